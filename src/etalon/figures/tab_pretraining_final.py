"""tab_pretraining_final: what was chosen on one half of the families, judged on the other.

One row a half (`etalon.evaluate.halves`) and method. `mean` is the RMSECV relative to tuned PLS, geometric mean over
datasets of the geometric mean over each one's tasks, with a 95 % bootstrap interval over families; `p` is Wilcoxon's
over datasets, `p_holm` after Holm's correction for the rows of the half. `control_*` and `fixed_*` are the same against
the untrained control of the row and against fs under the evidence head. `synthetic` is true where too few real tasks
ran.
"""

import numpy as np
import pandas as pd

from etalon.evaluate.compare import SUMMARY, TASK, claimable, over_seeds, summarise
from etalon.evaluate.halves import REPORT, SELECTION, half_of
from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, run
from etalon.figures.encoder_latex import DEMO
from etalon.figures.encoder_rows import ABSENT, ON_FS, against, cross_validated, not_run, opponents, reasons
from etalon.figures.latex import LAYOUT, PREAMBLE, SYNTHETIC, Notes, escape, fixed, interval, longtable, p_value, write

METHODS = (
    *("tuned_pls", "stacked_pls", "tuned_ridge", "fs/evidence", *ON_FS),
    *(
        f"{variant}/{head}"
        for head in ("evidence", "fs_evidence")
        for variant in ("fsnl_random_init", "fsnl_episodic_asls")
    ),
)
AGAINST = ("control", "fixed")
COMPARED = ("mean", "mean_low", "mean_high", "p", "p_holm")
COLUMNS = [
    *("half", "method", "label", "status", "synthetic"),
    *(name for name in SUMMARY if name not in ("method", "tasks")),
    *(f"{to}_{name}" for to in AGAINST for name in COMPARED),
]


def tabulate(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the table, `COLUMNS`; a method that did not run has the reason as its status.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows, ran, extended = cross_validated(metrics)
    halves = ran["family"].map(half_of)
    table = pd.concat([_half(ran[halves == half], rows, half) for half in (SELECTION, REPORT)], ignore_index=True)
    if extended:
        table[[name for name in COLUMNS if name.endswith(("p", "p_holm"))]] = np.nan
    return table.assign(synthetic=extended).reindex(columns=COLUMNS)


def _half(ran: pd.DataFrame, rows: pd.DataFrame, half: str) -> pd.DataFrame:
    found = _against(ran, "reference")
    for to in AGAINST:
        found = found.join(_against(ran, to)[[*COMPARED]].add_prefix(f"{to}_"))
    present = found["datasets"].notna()
    absent = {name: reasons(not_run(rows, name)) or ABSENT for name in METHODS}
    found["status"] = np.where(present, "ok", [absent[name] for name in found.index])
    found[["datasets", "families"]] = found[["datasets", "families"]].fillna(0).astype(int)
    labels = [style.look(name).label for name in found.index]
    return found.assign(half=half, label=labels).rename_axis("method").reset_index()


def _against(ran: pd.DataFrame, to: str) -> pd.DataFrame:
    """Return the summary over datasets of each method against its opponent, see `encoder_rows.opponents`."""
    others = {name: opponents(name, "regression")[to] for name in METHODS}
    seeded = {name: other for name, other in others.items() if to == "control" and not name.startswith("fs/")}
    unseeded = {name: other for name, other in others.items() if name not in seeded}
    pairs = [per_dataset(against(ran, seeded, ("repeat", "seed"))), per_dataset(against(ran, unseeded, ("repeat",)))]
    reference = style.REFERENCE["regression"] if to == "reference" else ""
    return summarise(pd.concat(pairs), reference, "ratio").set_index("method").reindex(METHODS)


def per_dataset(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return `pairs` (output of `paired_seeds`) by method and dataset, the geometric mean of each one's tasks."""
    tasks = claimable(over_seeds(pairs))
    keys = ["method", *(name for name in TASK if name != "target")]
    ratio = np.log(tasks["ratio"]).groupby([tasks[key] for key in keys], observed=True).mean()
    found = np.exp(ratio).rename("value").reset_index()
    return found.assign(target="", base=1.0, ratio=found["value"], difference=np.nan, synthetic=False, overlaps="")


def typeset(table: pd.DataFrame) -> str:
    """Return LaTeX for the output of `tabulate`."""
    notes, demo = Notes(), bool(table["synthetic"].any())
    body = [_cells(row, notes, demo) for _, row in table.iterrows()]
    header = [
        "Half",
        "Method",
        "Datasets",
        "To tuned PLS",
        "Median",
        r"Won (\%)",
        "$p$",
        "To control",
        "$p$",
        "To fs",
        "$p$",
    ]
    caption = (
        "What was chosen on the selection half of the families, judged on the report half: RMSECV relative to tuned"
        r" PLS, geometric mean over datasets, in brackets 95 \% bootstrap intervals over families; $p$: Wilcoxon"
        " signed-rank test over datasets, after Holm."
    )
    extra = [*([DEMO] if demo else []), *notes.lines([])]
    found = longtable(caption, "tab:pretraining-final", "llrrrrrrrrr", header, body, extra)
    return PREAMBLE + "\n".join([LAYOUT, found, r"\endgroup"]) + "\n"


def _cells(row: pd.Series, notes: Notes, demo: bool) -> list[str]:
    place = [row["half"] + (SYNTHETIC if demo else ""), escape(row["label"])]
    if row["status"] != "ok":
        return [*place, notes.mark(row["status"]), *[""] * 8]
    own = [fixed(row["datasets"], 0), interval(row, "mean", True), interval(row, "median", True)]
    own += [fixed(100 * row["win_share"], 0), p_value(row["p_holm"])]
    beside = [cell for to in AGAINST for cell in (interval(row, f"{to}_mean", True), p_value(row[f"{to}_p_holm"]))]
    return [*place, *own, *beside]


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv)
    table = tabulate(load_metrics(args.metrics))
    write(table, typeset(table), args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
