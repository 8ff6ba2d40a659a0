"""tab_phase3_lodo: calibrations on datasets they never saw, zero-shot and with local samples, against tuned PLS.

Rows of `block` "task" are one method on one task under one `condition` with `n` local samples: `value` is its RMSEP,
the mean over draws and seeds; `to_reference` and `to_mean` are its ratios to tuned PLS and to the mean of the
references, under the same condition and on the same draws; `to_sd` is RMSEP over the standard deviation of the test
references. Rows of `block` "summary" hold what `etalon.evaluate.compare.summarise` finds over tasks, Holm's correction
being for the methods of one condition and n; `to_sd` is then a geometric mean, `better_than_mean` and `better_than_sd`
are shares of tasks. Condition "cv" is the other sense: encoder pretrained without the family, head trained inside the
set. `synthetic` is true where too few real tasks ran, so that synthetic sets are summed up as well: without tests.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from etalon.evaluate.compare import OF_SEEDS, SUMMARY, TASK, geometric_mean, over_seeds, summarise
from etalon.figures import style
from etalon.figures.command import parse_args, run
from etalon.figures.encoder_rows import shown
from etalon.figures.latex import write
from etalon.figures.lodo_latex import typeset
from etalon.figures.lodo_rows import (
    MEAN,
    PLACE,
    REFERENCE,
    WITHIN,
    compare,
    read,
    scores,
    setting,
    settings_of,
    shown_names,
)

KEYS = ["condition", "n", "method"]
COLUMNS = [
    *("block", *KEYS, "label", "status", *PLACE, "value", "draws", "to_reference", "to_mean", "to_sd"),
    *(name for name in SUMMARY if name != "method"),
    *(*OF_SEEDS, "better_than_mean", "better_than_sd"),
]


def tabulate(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the table, `COLUMNS`; what did not run is a row of block "task" whose `status` gives the reason.

    Parameters
    ----------
    rows : output of `etalon.figures.lodo_rows.prepare`
    """
    names = shown_names(rows, list(style.VARIANTS))
    ran = scores(rows[rows["method"].isin(names)])
    parts = settings_of(rows) + ([(WITHIN, np.nan)] if (ran["condition"] == WITHIN).any() else [])
    blocks = []
    for condition, n in parts:
        tasks, summary = _of_setting(ran, names, condition, n)
        missing = _missing(setting(rows, condition, n), names) if condition != WITHIN else tasks[:0]
        found = [tasks.assign(status="ok"), missing, summary]
        blocks += [part.assign(condition=condition, n=n) for part in found if len(part)]
    table = pd.concat(blocks, ignore_index=True)
    return table.assign(label=[style.look(name).label for name in table["method"]]).reindex(columns=COLUMNS)


def _missing(rows: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return one row a task, method and reason of what did not run."""
    absent = rows[(rows["status"] != "ok") & rows["method"].isin(names)]
    return absent[[*PLACE, "method", "status"]].drop_duplicates().assign(block="task")


def _of_setting(ran: pd.DataFrame, names: list[str], condition: str, n: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of tasks and of the summary of one condition and number of local samples."""
    own = setting(ran, condition, n)
    tasks = own.groupby([*PLACE, "method"], sort=False).agg(
        value=("value", "mean"), to_sd=("to_sd", "mean"), draws=("draw", "nunique")
    )
    tasks = tasks.reset_index().assign(block="task")
    against = {to: compare(ran, names, to, condition, n) for to in (REFERENCE, MEAN)}
    for to, column in ((REFERENCE, "to_reference"), (MEAN, "to_mean")):
        ratios = over_seeds(against[to])[[*TASK, "method", "ratio"]].rename(columns={"ratio": column})
        tasks = tasks.merge(ratios, on=[*TASK, "method"], how="left")
    kept, extended = shown(tasks)
    pairs = against[REFERENCE]
    if extended:  # they would be left out of a summary otherwise
        kept, pairs = (part.assign(synthetic=False, overlaps="") for part in (kept, pairs))
    summary = summarise(pairs, REFERENCE, "ratio").set_index("method").reindex(names)
    summary["tasks"] = summary["tasks"].fillna(0)
    # On the tasks of the ratios: where no common range is left, the mean and embeddings run, tuned PLS does not.
    by_method = kept[kept["to_reference"].notna()].groupby("method")
    summary["to_sd"] = by_method["to_sd"].agg(lambda values: geometric_mean(values[values > 0].to_numpy(float)))
    for column, opponent in (("better_than_mean", "to_mean"), ("better_than_sd", "to_sd")):
        summary[column] = by_method[opponent].agg(lambda values: (values.dropna() < 1).mean())
    if extended:
        summary[["p", "p_holm"]] = np.nan
    summary["status"] = np.where(summary["tasks"] > 0, "ok", "not run: no task on which tuned PLS ran too")
    return tasks, summary.assign(block="summary", synthetic=extended).reset_index()


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv, several=True)
    paths: list[Path] = args.metrics
    table = tabulate(read(paths))
    write(table, typeset(table), args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
