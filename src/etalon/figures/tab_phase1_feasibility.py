"""tab_phase1_feasibility: a pretrained encoder against classical methods, its untrained self and a fixed embedding.

The columns are those of `etalon.figures.encoder_table`.
"""

from itertools import product

from etalon.figures.command import load_metrics, parse_args, run
from etalon.figures.encoder_latex import typeset
from etalon.figures.encoder_table import tabulate
from etalon.figures.latex import write

CLASSICAL = {
    "regression": ("tuned_pls", "stacked_pls", "tuned_ridge", "pca_ridge"),
    "classification": ("tuned_plsda", "ridge_logistic", "pca_logistic"),
}
EMBEDDINGS = {
    "regression": ("random_init/ridge", "masked/ridge", "fs/ridge"),
    "classification": ("random_init/logistic", "masked/logistic", "fs/logistic"),
}
# Under the better heads, the last of which sees the fixed embedding beside the learned one.
FURTHER = {"regression": ("evidence", "fs_evidence"), "classification": ("fs_logistic",)}


def wanted(present: list[str], task: str) -> list[str]:
    """Return the rows: classical methods, embeddings under the plain head, then under the others."""
    further = [f"{variant}/{head}" for head, variant in product(FURTHER[task], ("random_init", "masked"))]
    fixed = ["fs/evidence"] if task == "regression" else []
    return [*CLASSICAL[task], *EMBEDDINGS[task], *fixed, *further]


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv)
    table = tabulate(load_metrics(args.metrics), wanted)
    latex = typeset(table, "Feasibility of a pretrained encoder", "phase1-feasibility", ("control", "fixed"))
    write(table, latex, args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
