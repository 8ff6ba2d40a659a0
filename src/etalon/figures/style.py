"""How figures look: journal sizes, one label and colour a method, and files that are equal byte for byte."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
    "stacked_pls": Method("Stacked PLS", "#CC79A7", "X"),
    "tuned_plsda": Method("Tuned PLS-DA", "#000000", "o"),
    "ridge_logistic": Method("Ridge logistic", "#0072B2", "s"),
    "asls_snv_plsda": Method("AsLS + SNV + PLS-DA", "#E69F00", "^"),
    "pca_logistic": Method("PCA + logistic", "#009E73", "D"),
    "pca_tabpfn": Method("PCA + TabPFN", "#D55E00", "P"),
    "mean": Method("Mean of the references", "#AAAAAA", "_"),
}
# Embeddings; their rows are named "variant/head" (`etalon.figures.encoder_rows`). Untrained ones are grey.
VARIANTS = {
    "random_init": Method("Random init", "#767676", "h"),
    "masked": Method("Masked", "#56B4E9", "v"),
    "masked_aug": Method("Masked + aug.", "#0072B2", "s"),
    "masked_aug_baseline": Method("Masked + aug. + baseline", "#CC79A7", "D"),
    "masked_aug_baseline_contrastive": Method("Masked + aug. + baseline + contrastive", "#332288", "p"),
    "masked_aug_baseline_adversarial": Method("Masked + aug. + baseline + adversarial", "#882255", "X"),
    "masked_aug_baseline_synthetic_low": Method("Masked + aug. + baseline, synthetic low", "#117733", "^"),
    "masked_aug_baseline_synthetic_high": Method("Masked + aug. + baseline, synthetic high", "#44AA99", "v"),
    "masked_aug_baseline_synthetic_only": Method("Masked + aug. + baseline, synthetic only", "#999933", "o"),
    "masked_aug_baseline_metadata": Method("Masked + aug. + baseline, metadata", "#AA4499", "^"),
    "masked_aug_baseline_metadata_dropout": Method("Masked + aug. + baseline, metadata + dropout", "#661100", "v"),
    "fs": Method("fs", "#009E73", "P"),
    "fsnl_random_init": Method("fsnl, random init", "#ABABAB", "d"),
    "fsnl_episodic": Method("fsnl, episodic", "#E69F00", "<"),
    "fsnl_episodic_asls": Method("fsnl, episodic + AsLS", "#D55E00", "*"),
    "fsnl_episodic_asls_real_only": Method("fsnl, episodic + AsLS, real only", "#CC6677", "^"),
    "fsnl_episodic_asls_synthetic_high": Method("fsnl, episodic + AsLS, synthetic high", "#44AA99", "v"),
    "fsnl_episodic_asls_synthetic_only": Method("fsnl, episodic + AsLS, synthetic only", "#999933", "o"),
    "fsnl_episodic_asls_metadata": Method("fsnl, episodic + AsLS, metadata", "#AA4499", "^"),
    "fsnl_episodic_asls_metadata_dropout": Method("fsnl, episodic + AsLS, metadata + dropout", "#661100", "v"),
}
HEADS = {
    "ridge": "ridge",
    "evidence": "evidence head",
    "fs_evidence": "evidence head with fs",
    "kernels": "kernel evidence head",
    "pretrained_kernels": "pretrained kernel evidence head",
    "ridge_mean": "ridge on mean latent",
    "ridge_cls": "ridge on first latent",
    "ridge_patches": "ridge on patches",
    "pls": "PLS",
    "gpr": "GPR",
    "kernel_ridge": "kernel ridge",
    "mlp": "MLP",
    "tabpfn": "TabPFN",
    "tabicl": "TabICL",
    "full_fine_tuning": "full fine-tuning",
    "lora_fine_tuning": "LoRA",
    "logistic": "logistic",
    "fs_logistic": "logistic with fs",
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
# Conditions of the other protocols, written in their tables and figures.
PROTOCOLS = {
    "zero_shot": "zero-shot",
    "spiked": "local samples added",
    "slope_bias": "slope and bias",
    "local_only": "local samples only",
    "train_test": "from one dataset to another",
    "few_shot": "few-shot",
    "same_instrument": "same instrument",
    "cross_instrument": "other instrument",
    "cross_instrument_bias": "other instrument, bias removed",
    "metadata_never": "without",
    "metadata_missing": "missing at test",
    "metadata_wrong": "wrong at test",
}


def look(name: str) -> Method:
    """Return how a method, or an embedding "variant/head", is written and drawn.

    Variants come from the configuration: one that is not in `VARIANTS` is written by its own name.
    """
    if name in METHODS:
        return METHODS[name]
    variant, head = name.split("/")
    of = VARIANTS.get(variant, Method(variant.replace("_", " ").capitalize() or "Embeddings", "#404040", "x"))
    return replace(of, label=f"{of.label} + {HEADS.get(head, head)}") if head else of


def count(number: int, name: str) -> str:
    """Return "1 task", "2 tasks"."""
    return f"{number} {name}{'' if number == 1 else 's'}"


def order(methods: Iterable[str]) -> list[str]:
    """Return the distinct `methods`, those of `METHODS` in its order, then embeddings; others raise BadInputError."""
    present = {str(name) for name in methods}
    embeddings = {name for name in present if "/" in name}
    if unknown := sorted(present - embeddings - set(METHODS)):
        raise BadInputError("metrics", "method", f"one of {', '.join(METHODS)}", repr(unknown[0]))
    return [*(name for name in METHODS if name in present), *sorted(embeddings, key=_place)]


def _place(embedding: str) -> list[tuple[int, str]]:
    """Return what sorts an embedding "variant/head" after others: known ones in their order, then the rest by name."""
    known = ([*VARIANTS], [*HEADS])
    parts = embedding.split("/")
    return [(names.index(n) if n in names else len(names), n) for names, n in zip(known, parts, strict=True)]


def save(figure: Figure, pdf: Path, png: Path) -> None:
    """Write `figure` twice; equal figures give equal bytes, as neither dates nor versions are stored."""
    for area in figure.subfigs:  # its white ground lies on the figure's own, and rounding moves its corner to 0 or -0
        area.patch.set_visible(False)
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
        what = _named(order(group["method"]), set(metrics.loc[metrics["task"].isin(group["task"].unique()), "method"]))
        disturbed = [CONDITIONS[name] for name in CONDITIONS if name in set(group["condition"]) - {"cv", "published"}]
        if disturbed:
            what += f" under {', '.join(disturbed) if len(disturbed) < len(CONDITIONS) - 2 else 'every perturbation'}"
        datasets = sorted(group["dataset"].unique())
        where = ", ".join(datasets) if len(datasets) <= 3 else f"{len(datasets)} datasets"
        notes.append(f"{what} ({where}) {status}")
    return notes


def _named(missing: Sequence[str], methods: set[str]) -> str:
    """Return the labels of `missing`, in short where they are all `methods`, all embeddings or all under one head."""
    if set(missing) == methods:
        return "All methods"
    by_head: dict[str, set[str]] = {}
    for name in methods:
        if "/" in name:
            by_head.setdefault(name.partition("/")[2], set()).add(name)
    whole = [head for head, names in by_head.items() if len(names) > 1 and names <= set(missing)]
    every = bool(whole) and len(whole) == len(by_head)
    shortened = ["All embeddings"] if every else [f"All embeddings + {HEADS.get(head, head)}" for head in whole]
    others = [name for name in missing if "/" not in name or name.partition("/")[2] not in whole]
    return ", ".join([*shortened, *(look(name).label for name in others)])
