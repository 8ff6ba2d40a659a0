"""What the figures and tables of study 3 share: names of models, means over seeds, differences that are tested."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pandas as pd

from etalon.errors import BadInputError
from etalon.evaluate.compare import SUMMARY, claimable, holm, paired_seeds, summarise
from etalon.figures.command import plain
from etalon.figures.style import Method

CV, INDEPENDENT = "cv", "independent"
# The seven models of arXiv 2511.15965, then opponents and controls. Colours by what is read: MIR spectra, MIR latents,
# NIR spectra, converted spectra, latents through the NIR encoder. Markers by head.
MIR, LATENT, NIR, CONVERTED, THROUGH = "#0072B2", "#D55E00", "#E69F00", "#56B4E9", "#CC79A7"
MODELS = {
    "mir_plsr": Method("MIR-PLSR", MIR, "o"),
    "mir_mlp": Method("MIR-MLP", MIR, "s"),
    "mir_latent_mlp": Method("MIR-latent-MLP", LATENT, "s"),
    "nir_plsr": Method("NIR-PLSR", NIR, "o"),
    "nir_mlp": Method("NIR-MLP", NIR, "s"),
    "nir_to_mir_mlp": Method("NIRtoMIR-MLP", CONVERTED, "s"),
    "nir_to_mir_latent_mlp": Method("NIRtoMIR-latent-MLP", THROUGH, "s"),
    "mir_ridge": Method("MIR-ridge", MIR, "D"),
    "mir_fs_evidence": Method("MIR-fs-evidence", MIR, "^"),
    "mir_latent_ridge": Method("MIR-latent-ridge", LATENT, "D"),
    "mir_latent_evidence": Method("MIR-latent-evidence", LATENT, "^"),
    "nir_ridge": Method("NIR-ridge", NIR, "D"),
    "nir_fs_evidence": Method("NIR-fs-evidence", NIR, "^"),
    "nir_to_mir_latent_ridge": Method("NIRtoMIR-latent-ridge", THROUGH, "D"),
}
SEVEN = tuple(MODELS)[:7]
# Mean CCC over nine properties in the paper: 83,971 soils in MIR, 1,976 with both ranges.
PUBLISHED = {"mir_mlp": 0.82, "mir_latent_mlp": 0.91, "nir_mlp": 0.51, "nir_to_mir_latent_mlp": 0.61}
PUBLISHED_DATA = "83,971 soils in MIR, 1,976 in both ranges"
VARIANTS = {
    "linear32": "principal components",
    "random_init": "random init",
    "unfrozen": "decoder unfrozen",
    "unregularised": "without regularisation",
    "linear": "linear regression",
}
PROPERTIES = {
    "total_carbon": "Total C",
    "organic_carbon": "Organic C",
    "inorganic_carbon": "Inorganic C",
    "total_nitrogen": "Total N",
    "clay": "Clay",
    "silt": "Silt",
    "sand": "Sand",
    "ph": "pH",
    "cec": "CEC",
}
KEYS = ["dataset", "family", "synthetic", "pair", "condition", "target", "analyte", "unit", "method", "variant", "head"]
SCORES = ("ccc", "rpiq", "rmsep", "bias", "r2")
BASES = {"mir": "mir_plsr", "nir": "nir_plsr"}


@dataclass(frozen=True)
class Main:
    """The variants that all heads were run on: of the autoencoder and of the NIR encoder."""

    vae: str
    bridge: str

    @classmethod
    def of(cls, rows: pd.DataFrame) -> "Main":
        """Find them in metrics: only they have the perceptron's converted spectra or the evidence head."""
        vae = rows.loc[rows["method"] == "mir_latent_evidence", "variant"].unique()
        bridge = rows.loc[rows["method"] == "nir_to_mir_mlp", "variant"].unique()
        return cls(vae[0] if len(vae) else "", bridge[0] if len(bridge) else "")

    @property
    def variants(self) -> tuple[str, ...]:
        """The names that need not be said: none, and those of the main variants."""
        return ("", self.vae, self.bridge)

    def holds(self, rows: pd.DataFrame) -> pd.Series:
        """Say which rows are of a main variant, or of none."""
        return rows["variant"].isin(self.variants)

    def look(self, method: str, variant: str = "") -> Method:
        """Return how a model is written and drawn; the name of a variant is added unless it is a main one."""
        known = MODELS.get(method, Method(method, "#404040", "x"))
        if variant in self.variants:
            return known
        return replace(known, label=f"{known.label} ({VARIANTS.get(variant, variant.replace('_', ' '))})")

    def order(self, models: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return distinct (method, variant) in the order of `MODELS`, main variants first."""
        place = {name: number for number, name in enumerate(MODELS)}
        return sorted(set(models), key=lambda one: (place.get(one[0], 99), one[1] not in self.variants, one[1]))


def read(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return rows of `etalon.records.METRIC_COLUMNS` as text and numbers; some must be of the models of study 3."""
    rows = plain(metrics)
    if not rows["method"].isin(MODELS).any():
        raise BadInputError("metrics", "method", f"one of {', '.join(MODELS)}", "none")
    return rows


def tabulate(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row a model, set and property: means over seeds of scores and of the ends of their intervals.

    Returns
    -------
    table with `KEYS`, each of `SCORES` with `_low` and `_high` where there are any, `ccc_sd` over seeds, `seeds`
    """
    names = [f"{name}{end}" for name in SCORES for end in ("", "_low", "_high")]
    of_properties = rows[rows["metric"].isin(names) & rows["method"].isin(MODELS) & (rows["status"] == "ok")]
    wide = of_properties.pivot_table(index=KEYS, columns="metric", values="value", sort=False)
    concordance = of_properties[of_properties["metric"] == "ccc"]
    spread = concordance.groupby(KEYS, sort=False)["value"].agg(["std", "size"])
    wide = wide.reindex(columns=[name for name in names if name in wide])
    return wide.join(spread.rename(columns={"std": "ccc_sd", "size": "seeds"})).reset_index()


def kind(method: str) -> str:
    """Return which spectra a model reads: "mir" or "nir"."""
    return "nir" if method.startswith("nir") else "mir"


def compared(rows: pd.DataFrame, condition: str) -> pd.DataFrame:
    """Return what `etalon.evaluate.compare.summarise` says of the CCC of every model less that of PLSR.

    MIR models are held against MIR-PLSR, NIR models against NIR-PLSR, on the same sets and properties; independent
    laboratories count as sets. `p_holm` is p after Holm's correction for all models of the condition. Added: method,
    variant, `ccc`, its mean over the compared tasks, and `base`, PLSR's. Where no real set takes part, synthetic ones
    do, which is no result: `synthetic` is then True.
    """
    chosen = rows[(rows["metric"] == "ccc") & (rows["status"] == "ok") & (rows["condition"] == condition)]
    chosen = chosen[chosen["value"].notna() & chosen["method"].isin(MODELS)]
    extended = bool(len(chosen)) and bool(chosen["synthetic"].all())
    if extended:
        chosen = chosen.assign(synthetic=False)
    chosen, main, found = chosen.assign(repeat=0), Main.of(rows), []
    for method, variant in main.order(zip(chosen["method"], chosen["variant"], strict=True)):
        own = chosen[(chosen["method"] == method) & (chosen["variant"] == variant)]
        base = chosen[chosen["method"] == BASES[kind(method)]]
        pairs = claimable(paired_seeds(own, base))
        if pairs.empty:
            continue
        summary = summarise(pairs, BASES[kind(method)], "difference").iloc[0].to_dict()
        means = {"ccc": pairs["value"].mean(), "base": pairs["base"].mean()}
        found.append(summary | means | {"method": method, "variant": variant, "synthetic": extended})
    columns = [*SUMMARY, "ccc", "base", "variant", "synthetic"]
    table = pd.DataFrame(found, columns=columns).assign(condition=condition)
    table["p_holm"] = holm(table["p"].to_numpy(float))
    published = table["method"].map(PUBLISHED).astype(float)
    return table.assign(published=published.where(main.holds(table)))


def absent(rows: pd.DataFrame) -> list[str]:
    """Return a line for each set, or pair and property, that did not run, with the reason."""
    gone = rows[rows["status"] != "ok"]
    keys = ["dataset", "pair", "target", "status"]
    lines = []
    for found in gone[keys].drop_duplicates().to_dict("records"):
        place = " ".join(filter(None, (found["pair"].replace(">", " to ") or found["dataset"], found["target"])))
        lines.append(f"{place} {found['status']}")
    return lines
