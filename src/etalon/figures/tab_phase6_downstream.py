"""tab_phase6_downstream: every head on every embedding and encoders fine-tuned, against all classical pipelines.

The columns are those of `etalon.figures.encoder_table`. Encoders are fine-tuned on the smaller sets alone: rows of
`block` "common" hold the summary over the tasks on which every fine-tuned encoder that ran has a score, for all rows.
"""

from itertools import product

import pandas as pd

from etalon.evaluate.compare import TASK
from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, plain, run
from etalon.figures.encoder_latex import typeset
from etalon.figures.encoder_rows import ON_FS, named, scores
from etalon.figures.encoder_table import tabulate
from etalon.figures.latex import write

CLASSICAL = {
    "regression": ("tuned_pls", "stacked_pls", "tuned_ridge", "asls_snv_pls", "pca_ridge", "pca_tabpfn"),
    "classification": ("tuned_plsda", "ridge_logistic", "asls_snv_plsda", "pca_logistic", "pca_tabpfn"),
}
HEADS = {
    "regression": ("ridge", "evidence", "fs_evidence", "pls", "gpr", "kernel_ridge", "mlp", "tabpfn", "tabicl"),
    "classification": ("logistic", "fs_logistic"),
}
FINE_TUNING = ("full_fine_tuning", "lora_fine_tuning")
ENCODERS = ("masked_aug_baseline", "fsnl_episodic_asls")
CONTROLS = ("random_init", "fsnl_random_init")
WITHOUT = ("fs/fs_evidence", "fs/fs_logistic")  # fs has no learned block to join


def wanted(present: list[str], task: str) -> list[str]:
    """Return the rows: classical methods, then fs, both encoders and their controls under every head."""
    names = {f"{variant}/{head}" for variant, head in product(("fs", *ENCODERS, *CONTROLS), HEADS[task])}
    if task == "regression":
        names |= {*ON_FS} | {f"{variant}/{how}" for variant, how in product((*ENCODERS, *CONTROLS), FINE_TUNING)}
    return [*CLASSICAL[task], *style.order(names - {*WITHOUT})]


def on_common_tasks(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the regression tasks, in cross-validation, on which every fine-tuned encoder that ran has a score."""
    cv = plain(metrics[metrics["condition"] == "cv"])
    ran = scores(named(cv), "regression")
    tuned = ran[ran["method"].str.partition("/")[2].isin(FINE_TUNING)]
    have = tuned.groupby(TASK)["method"].nunique()
    common = have[have == tuned["method"].nunique()].reset_index()[TASK]
    return cv[cv["task"] == "regression"].merge(common, on=TASK)


def table_of(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the table, columns of `etalon.figures.encoder_table`."""
    table = tabulate(metrics, wanted)
    common = on_common_tasks(metrics)
    if common.empty:
        return table
    found = tabulate(common, wanted)
    return pd.concat([table, found[found["block"] == "summary"].assign(block="common")], ignore_index=True)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv)
    table = table_of(load_metrics(args.metrics))
    latex = typeset(table, "Embeddings under every head, and fine-tuned", "phase6-downstream", ("control", "fixed"))
    write(table, latex, args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
