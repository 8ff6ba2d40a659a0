"""tab_phase2_ablation: which ingredient of pretraining does what, under every head.

A: classical methods; B, C and D: masked modelling, with augmentations, with consistency under removal of the AsLS
baseline; then what was added to D, the fixed embedding and the functional encoders. The columns are those of
`etalon.figures.encoder_table`.
"""

import pandas as pd

from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, run
from etalon.figures.encoder_latex import typeset
from etalon.figures.encoder_rows import LADDER, variant_of
from etalon.figures.encoder_table import tabulate
from etalon.figures.latex import write

CLASSICAL = {
    "regression": ("tuned_pls", "stacked_pls", "tuned_ridge", "asls_snv_pls", "pca_ridge"),
    "classification": ("tuned_plsda", "ridge_logistic", "asls_snv_plsda", "pca_logistic"),
}
HEADS = {"regression": ("ridge", "evidence", "fs_evidence"), "classification": ("logistic", "fs_logistic")}
STEPS = dict(zip(LADDER, "BCD", strict=True))
# What every run is expected to have; further variants have rows where they were trained.
EXPECTED = ("random_init", *LADDER, "fs", "fsnl_random_init", "fsnl_episodic", "fsnl_episodic_asls")


def wanted(present: list[str], task: str) -> list[str]:
    """Return the rows: classical methods, then every variant under each head; fs has no learned block to join."""
    variants = {*EXPECTED, *(variant_of(name) for name in present if variant_of(name))}
    names = [f"{variant}/{head}" for variant in variants for head in HEADS[task]]
    return [*CLASSICAL[task], *(n for n in style.order(names) if n not in ("fs/fs_evidence", "fs/fs_logistic"))]


def with_steps(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the letter of its step before the label of every row that is one."""
    steps = [STEPS.get(variant_of(name), "" if "/" in name else "A") for name in table["method"]]
    labels = zip(steps, table["label"], strict=True)
    return table.assign(label=[f"{step}: {label}" if step else label for step, label in labels])


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv)
    table = with_steps(tabulate(load_metrics(args.metrics), wanted))
    latex = typeset(table, "What each ingredient of pretraining does", "phase2-ablation", ("control", "fixed"))
    write(table, latex, args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
