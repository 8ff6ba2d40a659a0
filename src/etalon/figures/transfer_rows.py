"""Rows of calibration transfer: how methods look, one row a pair and target, errors relative to the target instrument.

A task is a direction "A>B" of two instruments and a target. What both directions, and all targets, of two instruments
share are specimens and spectra: tests count them once, intervals resample families.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from etalon.errors import BadInputError
from etalon.evaluate.compare import LEVEL, summarise
from etalon.figures.command import plain
from etalon.figures.encoder_rows import shown
from etalon.figures.style import Method
from etalon.seeds import derive_seed

# Source calibration as it is, and one of the target instrument on all its training specimens: the ends of efficiency.
UNCORRECTED, OWN = "none", "target_all"
# The learned method, a network on top of PDS, and the pretraining that it is compared with others by.
LEARNED, PRETRAINED = "patch_transformer", "pretrained"
# The process over both instruments, on the embedding that needs no weights; what else it reads, and how it is written.
PROCESS = "gp_fs"
FEATURES = {
    "fs": "fs",
    "spectra": "spectra",
    "fsnl_random_init": "fsnl, random init",
    "fsnl_episodic_asls": "fsnl, episodic + AsLS",
}
# Colours of Okabe and Ito, as in `etalon.figures.style`.
METHODS = {
    UNCORRECTED: Method("No correction", "#767676", "_"),
    "alone_none": Method("Spectra as measured", "#ABABAB", "."),
    "alone_snv": Method("SNV alone", "#ABABAB", "."),
    "alone_savgol1": Method("First derivative alone", "#ABABAB", "."),
    "alone_snv_savgol1": Method("SNV and first derivative alone", "#ABABAB", "."),
    "alone_asls_snv": Method("AsLS and SNV alone", "#ABABAB", "."),
    "alone_emsc": Method("EMSC alone", "#ABABAB", "."),
    "bias": Method("Bias", "#999933", "d"),
    "sbc": Method("Slope and bias", "#E69F00", "^"),
    "sbc_reference": Method("Slope and bias, on references", "#CC6677", "v"),
    "ds": Method("DS", "#56B4E9", "v"),
    "ds_residual": Method("DS of the difference", "#332288", "<"),
    "pds": Method("PDS", "#0072B2", "s"),
    "di_pls": Method("di-PLS", "#AA4499", "p"),
    "mdi_pls": Method("mdi-PLS", "#882255", "h"),
    "spiking": Method("Spiking", "#009E73", "D"),
    "target_only": Method("Target samples only", "#000000", "o"),
    **{
        f"evidence_{key}": Method(f"Evidence head on {name}, no correction", "#ABABAB", ".")
        for key, name in FEATURES.items()
    },
    **{
        f"evidence_sbc_{key}": Method(f"Evidence head on {name}, slope and bias", "#E69F00", "2")
        for key, name in FEATURES.items()
    },
    **{
        f"evidence_target_only_{key}": Method(f"Evidence head on {name}, target samples only", "#000000", "+")
        for key, name in FEATURES.items()
    },
    **{
        f"gp_{key}": Method(f"GP of both instruments on {name}", "#882255", marker)
        for (key, name), marker in zip(FEATURES.items(), "P1x3", strict=True)
    },
    **{
        f"evidence_target_all_{key}": Method(f"Evidence head on {name}, all target specimens", "#767676", "_")
        for key, name in FEATURES.items()
    },
    "cnn_1d": Method("1D-CNN", "#CC79A7", "X"),
    "patch_transformer_random_init": Method("Patch transformer, random init", "#767676", "h"),
    "patch_transformer_rank4": Method("Patch transformer, rank 4", "#88CCEE", "<"),
    "patch_transformer_rank16": Method("Patch transformer, rank 16", "#332288", ">"),
    "patch_transformer_full": Method("Patch transformer, all weights", "#882255", "P"),
    "patch_transformer_direct": Method("Patch transformer, without PDS", "#44AA99", "v"),
    "patch_transformer_single_input": Method("Patch transformer, PDS input alone", "#999933", "d"),
    LEARNED: Method("Patch transformer", "#D55E00", "*"),
    OWN: Method("Target instrument, all specimens", "#000000", ""),
}
RANDOM = "transfer"
# How transfer samples are chosen.
WAYS = {
    RANDOM: Method("at random", "#000000", "o"),
    "transfer_kennard_stone": Method("Kennard-Stone", "#0072B2", "s"),
    "transfer_clustered": Method("clustered", "#D55E00", "^"),
}
SIZE = 10  # transfer samples at which all methods are compared, or the number next to it
CASE = ["family", "pair", "target", "analyte", "unit", "synthetic"]
RESAMPLES = 999
# An efficiency divides by what there is to gain: summaries take tasks whose uncorrected error is as many times the own.
WORTH_IT = 1.1
ELSEWHERE = r"not run: \S+ is not among the datasets"
NEAR = 1.4  # the next number of samples is labelled if it is as many times the last one that is


def look(name: str) -> Method:
    """Return how a method is written and drawn; one that is not in `METHODS` by its own name."""
    return METHODS.get(name, Method(name.replace("_", " ").capitalize(), "#404040", "x"))


def order(names: Iterable[str]) -> list[str]:
    """Return the distinct names, those of `METHODS` in its order, others before the last of these."""
    present = {str(name) for name in names}
    known = [name for name in METHODS if name in present and name != OWN]
    return [*known, *sorted(present - set(METHODS)), *([OWN] if OWN in present else [])]


def read(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of calibration transfer, with text for categories; of networks those of the main pretraining.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    main = metrics["variant"].astype(str).isin(("", PRETRAINED))
    rows = plain(metrics[main & metrics["condition"].isin(list(WAYS)) & (metrics["metric"] == "rmsep")])
    if rows.empty:
        raise BadInputError("metrics", "condition", f"rows of {RANDOM}", "none")
    return rows


def by_draw(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the RMSEP of every transfer set, means over the seeds of a training: `CASE`, condition, method, size..."""
    ran = rows[(rows["status"] == "ok") & rows["value"].notna()].rename(columns={"amplitude": "size"})
    keys = [*CASE, "condition", "method", "size", "draw"]
    return ran.groupby(keys, sort=False)["value"].mean().reset_index()


def tabulate(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row a task, way of choosing, method and number of transfer samples (0 for those that use none).

    Parameters
    ----------
    rows : output of `read`

    Returns
    -------
    `CASE`, condition, method, size, rmsep (mean over draws), sd (over draws, divisor n - 1), draws; none and own (RMSEP
    without correction and of the target instrument's calibration), ratio (rmsep / own), eta (transfer efficiency, NaN
    where own is no better than none)
    """
    keys = [*CASE, "condition", "method", "size"]
    table = by_draw(rows).groupby(keys, sort=False)["value"].agg(rmsep="mean", sd="std", draws="size").reset_index()
    for column, name in (("none", UNCORRECTED), ("own", OWN)):
        fixed = table[table["method"] == name].set_index(["pair", "target"])["rmsep"]
        table = table.join(fixed.rename(column), on=["pair", "target"])
    gained = (table["none"] - table["own"]).where(table["none"] > table["own"])
    return table.assign(ratio=table["rmsep"] / table["own"], eta=(table["none"] - table["rmsep"]) / gained)


def common(table: pd.DataFrame, column: str = "method") -> pd.DataFrame:
    """Return the rows of those tasks and numbers of samples on which all values of `column` are there."""
    groups = [name for name in ("pair", "target", "size", "method") if name != column]
    present = table.groupby(groups)[column].transform("nunique")
    return table[present == table[column].nunique()]


def summary(table: pd.DataFrame, effect: str) -> tuple[pd.DataFrame, bool]:
    """Return what `etalon.evaluate.compare.summarise` finds of each method, and whether synthetic pairs take part.

    They do where fewer than three real tasks ran: a demo, no result. The second sets of specimens stay in.

    Parameters
    ----------
    table : output of `tabulate`, one way of choosing and one number of samples
    effect : "ratio" (to the target instrument's calibration: "mean" is geometric) or "eta" ("median" is what counts;
        of tasks that gain enough, see `WORTH_IT`)
    """
    kept = table.dropna(subset=[effect])
    kept = kept[kept["none"] > WORTH_IT * kept["own"]] if effect == "eta" else kept
    values, bases = (kept["rmsep"], kept["own"]) if effect == "ratio" else (kept["eta"], 0.0 * kept["eta"])
    rows = kept[["family", "method", "synthetic"]].assign(
        dataset=["|".join(sorted(pair.split(">"))) for pair in kept["pair"]],
        target=kept["pair"] + " " + kept["target"],
        overlaps="",
        value=values,
        base=bases,
        ratio=values / bases,
        difference=values - bases,
    )
    _, extended = shown(rows)
    rows = rows.assign(synthetic=rows["synthetic"].astype(bool) & ~extended)
    return summarise(rows, OWN, {"ratio": "ratio", "eta": "difference"}[effect]).set_index("method"), extended


def everywhere(table: pd.DataFrame) -> set[str]:
    """Return the methods that ran on half of the tasks at least: what a few pairs alone have would leave only those."""
    own = table.loc[table["size"] > 0, ["method", "pair", "target"]].drop_duplicates()
    tasks = own.groupby("method").size()
    return set(tasks.index[tasks >= 0.5 * tasks.max()])


def at_size(table: pd.DataFrame, size: int = SIZE) -> tuple[pd.DataFrame, float]:
    """Return the rows at the number of transfer samples nearest to `size`, those that use none, and that number."""
    known = sorted(table.loc[table["size"] > 0, "size"].unique(), key=lambda n: (abs(n - size), n))
    if not known:
        raise BadInputError("metrics", "amplitude", "a number of transfer samples", "none")
    return table[table["size"].isin([0.0, known[0]])], float(known[0])


def band(values: np.ndarray, *names: object) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the mean over draws; NaN for a single one."""
    if len(values) < 2:
        return np.nan, np.nan
    rng = np.random.default_rng(derive_seed(0, "bootstrap", *names))
    means = values[rng.integers(len(values), size=(RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return float(low), float(high)


def shorten(names: Sequence[str]) -> tuple[str, list[str]]:
    """Return what the names of datasets begin with, in whole words, and how each goes on."""
    words = [name.split("_") for name in names]
    most = min(map(len, words)) - 1
    shared = next((k for k in range(most) if len({own[k] for own in words}) > 1), most)
    return "_".join(words[0][:shared]), ["_".join(own[shared:]) for own in words]


def arrow(pair: str) -> str:
    """Return "corn: m5 → mp5" for "corn_m5>corn_mp5"."""
    shared, (source, target) = shorten(pair.split(">"))
    return f"{shared}: {source} → {target}" if shared else f"{source} → {target}"


def quantity(target: str, unit: str) -> str:
    """Return "RMSEP, fat (%)"."""
    return f"RMSEP, {target} ({unit})" if unit and unit != "not stated" else f"RMSEP, {target}"


def label_sizes(axis: Axes, sizes: Sequence[float], below: pd.Series | None = None) -> None:
    """Make the horizontal axis one of transfer samples, with a tick at each size and labels where they have room.

    Parameters
    ----------
    below : number of tasks by size, written under it
    """
    labels, last = [], 0.0
    for size in sizes:
        wide = size >= NEAR * last
        last = size if wide else last
        labels.append((f"{size:g}" if wide else "") + (f"\n{below[size]}" if below is not None and wide else ""))
    axis.set_xscale("log")
    axis.set_xticks(list(sizes), labels)
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel("Transfer samples" + ("" if below is None else "; below, tasks"))
    axis.grid(axis="y")
    axis.set_axisbelow(True)


def missing(rows: pd.DataFrame) -> pd.DataFrame:
    """Return pair, target, method, size and status of what did not run; target "" stands for all, size NaN as well."""
    own = rows[rows["status"] != "ok"].rename(columns={"amplitude": "size"})
    return own[["family", "pair", "target", "method", "size", "status"]].drop_duplicates()


def notes(rows: pd.DataFrame) -> list[str]:
    """Return one line a reason for what did not run.

    Methods that all lack are named once; sets too small for a number of samples are counted where they are missed.
    """
    own = missing(rows)
    own = own[own["size"].isna() | ~own["status"].str.contains("to choose from")]
    own = own.assign(status=own["status"].str.replace(ELSEWHERE, "not run: not among the datasets", regex=True))
    ran = set(rows.loc[rows["status"] == "ok", "method"])
    # What was tried on a few pairs alone, such as networks, is not missed elsewhere.
    tried = rows.groupby("method")["pair"].nunique()
    every, lines = set(tried.index[tried > 0.5 * tried.max()]), []
    for status, group in own.groupby("status", sort=False):
        names = set(group["method"])
        what = "All methods" if names >= every else ", ".join(look(name).label for name in order(names))
        pairs = list(dict.fromkeys("|".join(sorted(filter(None, pair.split(">")))) for pair in group["pair"]))
        few = ", ".join(pairs).replace("|", " and ")
        where = few if len(pairs) <= 2 else f"{len(pairs)} pairs of instruments"
        lines.append(f"{what} ({where}): {status}" if names & ran else f"{what}: {status}")
    return lines
