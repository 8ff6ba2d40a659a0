"""How figures look: journal sizes, one label and colour a method, and files that are equal byte for byte."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from etalon.errors import BadInputError
from etalon.storage import replacing

MM = 1.0 / 25.4  # inch
SINGLE_COLUMN, DOUBLE_COLUMN = 85.0 * MM, 180.0 * MM
RC: dict[Any, Any] = {
    # DejaVu comes with matplotlib: the same glyphs, and so the same bytes, on every machine.
    "font.family": "DejaVu Sans",
    "font.size": 6.5,
    "axes.titlesize": 7.0,
    "axes.labelsize": 6.5,
    "xtick.labelsize": 6.0,
    "ytick.labelsize": 6.0,
    "legend.fontsize": 6.5,
    "legend.title_fontsize": 6.0,
    "legend.frameon": False,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "ytick.minor.size": 1.5,
    "ytick.minor.width": 0.4,
    "grid.linewidth": 0.4,
    "grid.color": "0.88",
    "lines.linewidth": 1.0,
    "lines.markersize": 3.2,
    "pdf.fonttype": 42,  # TrueType: text stays text, as journals ask
    "savefig.dpi": 300,
}


@dataclass(frozen=True)
class Method:
    """How a method is written and drawn."""

    label: str
    colour: str
    marker: str


# Colours of Okabe and Ito, told apart by colour-blind readers (Wong 2011, doi:10.1038/nmeth.1618). The counterpart
# of a method in classification shares its colour and marker.
METHODS = {
    "tuned_pls": Method("Tuned PLS", "#000000", "o"),
    "tuned_ridge": Method("Tuned ridge", "#0072B2", "s"),
    "asls_snv_pls": Method("AsLS + SNV + PLS", "#E69F00", "^"),
    "asls_snv_ridge": Method("AsLS + SNV + ridge", "#56B4E9", "v"),
    "pca_ridge": Method("PCA + ridge", "#009E73", "D"),
    "tuned_plsda": Method("Tuned PLS-DA", "#000000", "o"),
    "ridge_logistic": Method("Ridge logistic", "#0072B2", "s"),
    "asls_snv_plsda": Method("AsLS + SNV + PLS-DA", "#E69F00", "^"),
    "pca_logistic": Method("PCA + logistic", "#009E73", "D"),
    "pca_tabpfn": Method("PCA + TabPFN", "#D55E00", "P"),
}
# What the others are compared with, by kind of task.
REFERENCE = {"regression": "tuned_pls", "classification": "tuned_plsda"}
CONDITIONS = {
    "cv": "cross-validation",
    "published": "published split",
    "baseline_drift": "baseline drift",
    "multiplicative_scatter": "multiplicative scatter",
    "additive_offset": "additive offset",
    "noise": "noise",
    "wavelength_shift": "wavelength shift",
    "resolution": "resolution",
    "dropped_bands": "dropped band",
}


def order(methods: pd.Series) -> list[str]:
    """Return the distinct `methods` in the order of `METHODS`; an unknown one raises BadInputError."""
    present = set(methods.astype(str))
    if unknown := sorted(present - set(METHODS)):
        raise BadInputError("metrics", "method", f"one of {', '.join(METHODS)}", repr(unknown[0]))
    return [name for name in METHODS if name in present]


def save(figure: Figure, pdf: Path, png: Path) -> None:
    """Write `figure` twice; equal figures give equal bytes, as neither dates nor versions are stored."""
    with mpl.rc_context(RC):
        for path, metadata in (
            (pdf, {"CreationDate": None, "Creator": None, "Producer": None}),
            (png, {"Software": None}),
        ):
            with replacing(path) as temporary:
                figure.savefig(temporary, format=path.suffix[1:], metadata=metadata)


def not_run_notes(metrics: pd.DataFrame) -> list[str]:
    """Return one line a reason for what did not run: the methods, the perturbations and how many datasets.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = metrics[metrics["status"] != "ok"].astype({"status": str, "condition": str, "dataset": str})
    notes = []
    for status, group in rows.groupby("status", sort=False):
        missing = order(group["method"])
        all_methods = set(metrics.loc[metrics["task"].isin(group["task"].unique()), "method"].astype(str))
        what = "All methods" if set(missing) == all_methods else ", ".join(METHODS[name].label for name in missing)
        disturbed = [CONDITIONS[name] for name in CONDITIONS if name in set(group["condition"]) - {"cv", "published"}]
        if disturbed:
            what += f" under {', '.join(disturbed)}"
        datasets = sorted(group["dataset"].unique())
        where = ", ".join(datasets) if len(datasets) <= 3 else f"{len(datasets)} datasets"
        notes.append(f"{what} ({where}) {status}")
    return notes
