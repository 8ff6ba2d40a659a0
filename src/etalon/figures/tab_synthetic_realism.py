"""tab_synthetic_realism: how easily generated spectra are told from real ones, by dataset and over all.

Rows of family "all" take all datasets that cover a range together and judge on families the classifier never saw; they
come first. The other rows hold one dataset each: it is easily told from any collection of other products, so the same
AUC against other real sets stands beside it.
"""

import pandas as pd

from etalon.figures.command import load_table, parse_args, plain, run
from etalon.figures.latex import LAYOUT, PREAMBLE, Notes, escape, fixed, longtable, ratio, write

COLUMNS = (
    *("run", "dataset", "family", "modality", "n_real", "n_synthetic", "auc", "auc_sd", "auc_other_real"),
    *("pca_distance", "band_ratio_distance", "status"),
)
ALL = "all"
# Below this a generator is often called realistic; the limit of the gate of nirs4all, which its generator misses at
# an AUC of 0.9999 (github.com/GBeurier/nirs4all, bench/nirs_synthetic_pfn/reports).
LIMIT = 0.85
MODALITIES = {"nir": "NIR", "visnir": "Vis-NIR", "mir": "MIR", "raman": "Raman"}


def tabulate(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the table, `COLUMNS`: all together first, then datasets by modality and name, what did not run last.

    Parameters
    ----------
    rows : the table of the stage synthetic_realism
    """
    rows = plain(rows)
    rank = rows["modality"].map({name: rank for rank, name in enumerate(MODALITIES)})
    ordered = rows.assign(single=rows["family"] != ALL, missing=rows["status"] != "ok", rank=rank)
    ordered = ordered.sort_values(["single", "missing", "rank", "dataset"], kind="stable")
    return ordered[list(COLUMNS)].reset_index(drop=True)


def typeset(table: pd.DataFrame) -> str:
    """Return LaTeX for the output of `tabulate`."""
    notes = Notes()
    body = [_cells(row, notes) for _, row in table.iterrows()]
    single = table[(table["family"] != ALL) & (table["status"] == "ok")]
    below = int((single["auc"] < LIMIT).sum())
    caption = (
        r"Synthetic against real spectra. AUC $\pm$ standard deviation over 5 folds of a random forest that tells them"
        " apart on equal numbers of SNV-transformed spectra (0.5: not at all; 1: always). Rows ``all'' take together"
        " every dataset that covers the range and are judged on families that the forest never saw. The other rows are"
        " one dataset each, judged on its unseen specimens; AUC of other real: the same test against real sets of other"
        r" families in place of synthetic ones. $n$: spectra of each kind. PCA: Fréchet distance of scores, relative to"
        " that between halves of the real specimens. Bands: mean Wasserstein distance of the shares of named bands."
        f" Datasets with an AUC below {LIMIT}, a limit in use for realistic generators: {below} of {len(single)}."
    )
    header = ["Dataset", "Modality", "$n$", "AUC", "AUC of other real", "PCA", "Bands"]
    table_text = longtable(caption, "tab:synthetic-realism", "lllrrrr", header, body, notes.lines(body))
    return PREAMBLE + "\n".join([LAYOUT, table_text + r"\endgroup"]) + "\n"


def _cells(row: pd.Series, notes: Notes) -> list[str]:
    name = [escape(row["dataset"]), MODALITIES.get(row["modality"], "")]
    if row["status"] != "ok":
        return [*name, "", notes.mark(row["status"]), "", "", ""]
    return [
        *name,
        fixed(row["n_real"], 0),
        rf"{fixed(row['auc'], 3)} $\pm$ {fixed(row['auc_sd'], 3)}",
        fixed(row["auc_other_real"], 3),
        ratio(row["pca_distance"], 1),
        fixed(row["band_ratio_distance"], 3),
    ]


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv)
    table = tabulate(load_table(args.metrics, COLUMNS))
    write(table, typeset(table), args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
