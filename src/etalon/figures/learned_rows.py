"""Networks of calibration transfer against PDS and against each other, transfer set by transfer set.

Every method gets the same transfer sets: what is compared are errors of one pair, target, number of samples and draw,
means over the seeds that both have.
"""

import numpy as np
import pandas as pd

from etalon.errors import BadInputError
from etalon.evaluate.compare import holm, signed_rank
from etalon.figures.command import plain
from etalon.figures.style import Method
from etalon.figures.transfer_rows import CASE, LEARNED, METHODS, PRETRAINED, RANDOM, band

CLASSICAL = "pds"
FEW, MANY = 10, 50  # transfer samples of the paper's claim
ALPHA = 0.05
TASK = ["pair", "target"]
VERDICTS = {-1: "wins", 0: "tie", 1: "loses"}
# Ways to pretrain: what about them differs, and how they are written.
GROUPS = {
    "without_derivative": ("loss", "Without the loss of derivatives"),
    "without_peaks": ("loss", "Without the loss of bands"),
    "without_angle": ("loss", "Without the spectral angle"),
    "without_byol": ("loss", "Without BYOL"),
    "contrastive_001": ("loss", "InfoNCE, weight 0.01, for BYOL"),
    "contrastive_010": ("loss", "InfoNCE, weight 0.1, for BYOL"),
    "contrastive_100": ("loss", "InfoNCE, weight 1, for BYOL"),
    "masking_random": ("masking", "Random regions hidden throughout"),
    "masking_contiguous": ("masking", "Stretches hidden throughout"),
    "masking_peaks": ("masking", "Bands hidden throughout"),
    "single_scale": ("architecture", "Single scale, patches of 32 points"),
    "without_domain": ("architecture", "Without domain token"),
    "without_film": ("architecture", "Without instrument conditioning"),
    "small": ("architecture", "Width 16, 1 layer"),
    "large": ("architecture", "Width 64, 4 layers"),
    "measured_only": ("corpus", "Measured spectra alone"),
    "synthetic_only": ("corpus", "Generated spectra alone"),
    "quarter_length": ("corpus", "A quarter of the spectra seen"),
    "fourfold_length": ("corpus", "Four times the spectra seen"),
}
COMPARISON = ["name", "kind", "label", "pairs", "units", "seeds", "ratio", "low", "high", "p", "p_holm"]
CLAIM = [*CASE, "size", "base_size", "draws", "seeds", "ratio", "low", "high", "p", "p_holm", "verdict"]


def read_draws(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of random transfer sets that ran, of all ways to pretrain; `name` is what an ablation changes.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = plain(metrics[(metrics["condition"] == RANDOM) & (metrics["status"] == "ok") & metrics["value"].notna()])
    rows = rows.rename(columns={"amplitude": "size"})
    rows["name"] = rows["method"].where(rows["variant"].isin(("", PRETRAINED)), rows["variant"])
    return rows


def read_learned(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the same where networks were tried."""
    rows = read_draws(metrics)
    if not (rows["name"] == LEARNED).any():
        raise BadInputError("metrics", "method", f"rows of {LEARNED}", "none")
    return rows


def errors(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the RMSEP of one name: `CASE`, size, draw, seed, value."""
    own = rows[(rows["name"] == name) & (rows["metric"] == "rmsep")]
    return own[[*CASE, "size", "draw", "seed", "value"]]


def against(rows: pd.DataFrame, name: str, base: str) -> pd.DataFrame:
    """Return log ratios of RMSEP, one row a transfer set: `CASE`, size, draw, seeds, value.

    A classical method has one run for all seeds; two networks are compared on the seeds that both have.
    """
    own, other = errors(rows, name), errors(rows, base)
    on = [*TASK, "size", "draw"] + ([] if set(other["seed"]) == {-1} else ["seed"])
    both = own.merge(other[[*on, "value"]], on=on, suffixes=("", "_base"))
    both["value"] = np.log(both["value"] / both["value_base"])
    groups = both.groupby([*CASE, "size", "draw"], sort=False)
    return groups.agg(value=("value", "mean"), seeds=("seed", "nunique")).reset_index()


def comparison(rows: pd.DataFrame, names: dict[str, tuple[str, str]], base: str = LEARNED) -> pd.DataFrame:
    """Return `COMPARISON`: each name against `base`, p of Wilcoxon's test over pairs and draws, after Holm.

    A unit is a pair, target and draw; its numbers of samples, which share specimens, are averaged. `ratio` is the
    geometric mean of ratios of RMSEP over units, with its 95 % bootstrap interval.

    Parameters
    ----------
    rows : output of `read_learned`; names : kind and label of each
    """
    found = []
    for name, (kind, label) in names.items():
        effects = against(rows, name, base)
        if effects.empty:
            continue
        units = effects.groupby([*TASK, "draw"])["value"].mean().to_numpy()
        low, high = band(units, name)
        found.append(
            {"name": name, "kind": kind, "label": label, "pairs": effects["pair"].nunique(), "units": len(units)}
            | {"seeds": effects["seeds"].max(), "ratio": np.exp(units.mean()), "low": np.exp(low), "high": np.exp(high)}
            | {"p": signed_rank(units)}
        )
    table = pd.DataFrame(found, columns=COMPARISON)
    return table.assign(p_holm=holm(table["p"].to_numpy(float)))


def fittings(rows: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return the other ways to fit a network that ran, with kind and label."""
    ran = set(rows.loc[rows["variant"] == PRETRAINED, "method"]) - {LEARNED}
    return {name: ("fitting", how.label) for name, how in METHODS.items() if name in ran}


def claims(rows: pd.DataFrame, name: str = LEARNED) -> pd.DataFrame:
    """Return `CLAIM`: a method against PDS on every pair, target and number of samples, and with fewer samples.

    Rows with `base_size` other than `size` are the method with `FEW` samples against PDS with `MANY`, or as many as
    the pair has. p of Wilcoxon's test over draws, after Holm over the pairs and targets of one question: each number of
    samples is one, fewer against more another. A verdict needs `ALPHA`.
    """
    parts = [against(rows, name, CLASSICAL).assign(base_size=lambda own: own["size"])]
    own, other = errors(rows, name), errors(rows, CLASSICAL)
    few = own[own["size"] == FEW]
    many = other[(other["size"] <= MANY) & (other["size"] > FEW)]
    many = many[many["size"] == many.groupby(TASK)["size"].transform("max")]
    both = few.merge(many[[*TASK, "draw", "size", "value"]], on=[*TASK, "draw"], suffixes=("", "_base"))
    both = both.assign(value=np.log(both["value"] / both["value_base"]), base_size=both["size_base"])
    groups = both.groupby([*CASE, "size", "base_size", "draw"], sort=False)
    parts.append(groups.agg(value=("value", "mean"), seeds=("seed", "nunique")).reset_index())
    found = []
    for key, one in pd.concat(parts, ignore_index=True).groupby([*CASE, "size", "base_size"], sort=False):
        values = one["value"].to_numpy()
        low, high = band(values, *key)
        found.append(
            dict(zip([*CASE, "size", "base_size"], key, strict=True))
            | {"draws": len(values), "seeds": one["seeds"].max(), "ratio": np.exp(values.mean())}
            | {"low": np.exp(low), "high": np.exp(high), "p": signed_rank(values)}
        )
    table = pd.DataFrame(found, columns=CLAIM)
    question = table["size"].where(table["size"] == table["base_size"], 0.0)
    table["p_holm"] = table.groupby(question)["p"].transform(lambda p: holm(p.to_numpy(float)))
    sign = np.sign(np.log(table["ratio"])).where(table["p_holm"] < ALPHA, 0.0)
    table["verdict"] = sign.astype(int).map(VERDICTS)
    return table.sort_values(["synthetic", "pair", "target", "base_size", "size"], ignore_index=True)


def look_of(name: str) -> Method:
    """Return how a way to fit or to pretrain is written and drawn."""
    if name in METHODS:
        return METHODS[name]
    return Method(GROUPS[name][1] if name in GROUPS else name.replace("_", " ").capitalize(), "#404040", "o")
