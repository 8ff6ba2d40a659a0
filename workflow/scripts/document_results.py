"""Write the results in README.md and docs/results.md anew from the shipped metrics; no number there is typed by hand.

Usage: python workflow/scripts/document_results.py
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from etalon.catalogue import load_catalogue
from etalon.evaluate.compare import SUMMARY, claimable, geometric_mean, paired, paired_seeds, summarise
from etalon.figures import (
    fig_transfer_attention,
    fig_transfer_cross_modality,
    fig_transfer_degradation,
    fig_transfer_latent_map,
    learned_rows,
    lodo_rows,
    soil_summary,
    tab_encoder_readouts,
    tab_phase0_baselines,
    tab_phase1_feasibility,
    tab_phase2_ablation,
    tab_phase3_lodo,
    tab_phase6_cost,
    tab_phase6_cross_instrument,
    tab_phase6_downstream,
    tab_pretraining_final,
    tab_pretraining_levers,
    tab_transfer_benchmark,
    tab_transfer_outliers,
)
from etalon.figures.command import load_metrics, load_table, load_union, plain
from etalon.figures.encoder_rows import FIXED, ON_FS, UNTRAINED, control_of, named, scores, variant_of
from etalon.figures.encoder_table import tabulate
from etalon.figures.style import HEADS, PROTOCOLS, look, order
from etalon.figures.transfer_rows import arrow
from etalon.storage import replacing

ROOT = Path(__file__).parents[2]
METRICS = ROOT / "results/reference/paper/metrics"
CATALOGUE = ROOT / "config/datasets.yaml"
README, RESULTS = ROOT / "README.md", ROOT / "docs/results.md"
START, END = "<!-- {}: written by `make docs` -->", "<!-- end of {} -->"
PLS = "tuned_pls"
ENCODERS = ("random_init", "masked_aug_baseline", "fsnl_random_init", "fsnl_episodic_asls")
# The rows of the short tables, all encoders under one head.
MAIN = (
    PLS,
    "stacked_pls",
    "tuned_ridge",
    "fs/evidence",
    *ON_FS,
    *(f"{variant}/evidence" for variant in ENCODERS),
)
LODO = (("zero_shot", np.nan), ("slope_bias", 10.0), ("spiked", 10.0), ("local_only", 10.0))
METADATA = ("cv", "metadata_never", "metadata_missing", "metadata_wrong")
LEVER_NAMES = ("lever", "encoder", "head", "tasks", "with / without", "95 % interval", "p")
TRANSFER_SIZES = (5, 10, 30)
SOIL_CONDITIONS = {"cv": "cross-validation", "independent": "another laboratory"}
SHOWN = 5  # datasets in each list of wins and losses


def main() -> None:
    fill(README, SECTIONS)
    fill(RESULTS, RESULT_SECTIONS)


def fill(document: Path, sections: dict[str, Callable[[], str]]) -> None:
    """Write every section of a document anew, between its two marks."""
    text = document.read_text()
    for name, write in sections.items():
        before, rest = text.split(START.format(name))
        _, after = rest.split(END.format(name))
        text = f"{before}{START.format(name)}\n{write()}{END.format(name)}{after}"
    with replacing(document) as temporary:
        temporary.write_text(text)


def shipped(*tables: str) -> Callable[[Callable[..., str]], Callable[[], str]]:
    """Hand a section the paths of its tables; where one is absent the section says so."""

    def decorate(write: Callable[..., str]) -> Callable[[], str]:
        @cache
        def section() -> str:
            paths = [METRICS / f"{table}.parquet" for table in tables]
            absent = [f"`{path.stem}`" for path in paths if not path.exists()]
            return f"\nNot shipped yet: {', '.join(absent)}.\n\n" if absent else write(*paths)

        return section

    return decorate


@shipped("embedding_baselines")
def phase_0(path: Path) -> str:
    table = tab_phase0_baselines.tabulate(load_metrics(path))
    regression, classification = summaries(table)
    return f"""
Error relative to tuned PLS over {counts(regression)} (5-fold cross-validation by specimen, twice; component
numbers, strengths and, for the tuned methods, the preprocessing chosen inside the training rows). 95 % intervals
resample families of datasets; p is Wilcoxon's over datasets, after Holm.

{markdown(regression, "RMSECV ratio, geometric mean", ".3f")}

Classification, over {counts(classification)}, as difference to tuned PLS-DA:

{markdown(classification, "balanced accuracy, mean difference", "+.3f")}

"""


@shipped("embedding_encoders")
def phase_1(path: Path) -> str:
    metrics = load_metrics(path)
    regression, _ = summaries(tabulate(metrics, tab_phase1_feasibility.wanted))
    readouts, _ = summaries(tabulate(metrics[metrics["task"] == "regression"], tab_encoder_readouts.wanted))
    read = readouts[readouts["method"].map(variant_of).isin(["random_init", "masked", "masked_aug_baseline"])]
    return f"""
RMSECV relative to tuned PLS, over {counts(regression)}; intervals resample families and seeds.

{compared(regression, ".3f")}

What a calibration reads from a perceiver, each under ridge:

{compared(read, ".3f")}

"""


@shipped("embedding_encoders")
def phase_2(path: Path) -> str:
    table = tab_phase2_ablation.with_steps(tabulate(load_metrics(path), tab_phase2_ablation.wanted))
    regression, classification = summaries(table)
    without = int(regression["tasks"].max() - regression.loc[regression["method"] == "fs/ridge", "tasks"].item())
    return f"""
RMSECV relative to tuned PLS, over {counts(regression)}, all but {without} with a wavelength axis;
every encoder was trained without the family of the dataset that it is judged on. "To control" is the ratio to the
untrained encoder of the same make under
the same head, "to fs" that to the fixed embedding under the evidence head: below 1, training (the encoder) helps.

{compared(regression, ".3f")}

Classification, over {counts(classification)}: differences in balanced accuracy to tuned PLS-DA, to the control and to
fs + logistic.

{compared(classification, "+.3f")}

"""


@shipped("embedding_lodo")
def phase_3(path: Path) -> str:
    rows = lodo_rows.prepare(load_metrics(path))
    table = tab_phase3_lodo.tabulate(rows[rows["method"].isin([*MAIN, lodo_rows.MEAN])])
    table = table[table["block"] == "summary"]
    names = ("tested", "method", "tasks", "to tuned PLS", "95 % interval", "p", "RMSEP / SD", "better than the mean")
    lines = []
    for condition, n in LODO:
        own = table[(table["condition"] == condition) & ((table["n"] == n) | np.isnan(n))]
        title = PROTOCOLS[condition] + ("" if np.isnan(n) else f", {n:.0f}")
        for row in own.to_dict("records"):
            extra = [number(row["to_sd"], ".2f"), number(row["better_than_mean"], ".0%")]
            lines.append([title, look(row["method"]).label, *effect(row), *extra])
    return f"\n{table_of(names, lines)}\n\n"


@shipped("embedding_encoders", "embedding_synthetic")
def phase_4(*paths: Path) -> str:
    metrics = load_union(paths)
    parts = [("cross-validation", metrics)]
    for condition, n in (("zero_shot", np.nan), ("spiked", 10.0)):
        own = metrics[(metrics["condition"] == condition) & ((metrics["amplitude"] == n) | np.isnan(n))]
        title = PROTOCOLS[condition] + ("" if np.isnan(n) else f", {n:.0f}")
        parts.append((title, own.assign(condition="cv")))
    names = ("lever", "encoder", "head", "tested by", "tasks", "with / without", "95 % interval", "p")
    lines = [
        [*levers[:3], title, *levers[3:]] for title, own in parts if len(own) for levers in lever_rows(own, "synth")
    ]
    return f"\n{table_of(names, lines)}\n\n"


@shipped("embedding_metadata")
def phase_5(path: Path) -> str:
    metrics = load_metrics(path)
    learned = metrics["method"] == "embedding"
    classical = metrics[~learned & (metrics["condition"] == "cv")]
    found = {
        name: to_pls(pd.concat([classical, metrics[learned & (metrics["condition"] == name)]])) for name in METADATA
    }
    names = ("row", "metadata", "tasks", "to tuned PLS", "95 % interval", "p")
    lines = []
    for name in order(name for table in found.values() for name in table.index if variant_of(name)):
        tested = {condition: table.loc[name] for condition, table in found.items() if name in table.index}
        lines += [[look(name).label, PROTOCOLS.get(c, "as trained"), *effect(row)] for c, row in tested.items()]
    return f"\n{table_of(names, lines)}\n\n"


@shipped("embedding_downstream")
def phase_6_downstream(path: Path) -> str:
    table = tab_phase6_downstream.table_of(load_metrics(path))
    regression, classification = summaries(table)
    common = table[table["block"] == "common"]
    more = f"On the tasks of the fine-tuned encoders alone:\n\n{compared(common, '.3f')}\n\n" if len(common) else ""
    return f"""
RMSECV relative to tuned PLS, over {counts(regression)}:

{compared(regression, ".3f")}

{more}Classification, differences in balanced accuracy to tuned PLS-DA, over {counts(classification)}:

{compared(classification, "+.3f")}

"""


@shipped("embedding_few_shot")
def phase_6_few_shot(path: Path) -> str:
    metrics = load_metrics(path)
    columns = ("method", "n", "tasks", "to tuned PLS with n", "95 % interval", "p")
    names = (*columns, "to control", "95 % interval", "p")
    lines = []
    for n, own in metrics[metrics["condition"] == "few_shot"].groupby("amplitude"):
        found = to_pls(own).reindex(MAIN[1:]).dropna(subset="tasks")
        beside = {str(name): [f"{n:.0f}", *effect(row), *to_control(own, str(name))] for name, row in found.iterrows()}
        lines += [[look(name).label, *cells] for name, cells in beside.items()]
    return f"\n{table_of(names, lines)}\n\n"


@shipped("embedding_encoders")
def pretraining_final(path: Path) -> str:
    metrics = load_metrics(path)
    table = tab_pretraining_final.tabulate(metrics)
    names = ("half", "method", "to tuned PLS", "95 % interval", "median", "wins", "p", "to control", "p", "to fs", "p")
    lines = []
    for row in table.to_dict("records"):
        cells = [row["half"], *own(row, ".3f")]
        for to in ("control", "fixed"):
            cells += [number(row[f"{to}_mean"], ".3f"), p_value(row[f"{to}_p_holm"])]
        lines.append(cells)
    of_halves = table[table["method"] == FIXED["regression"]].set_index("half")
    sizes = [f"{row['datasets']} datasets in {row['families']} families" for _, row in of_halves.iterrows()]
    levers_of_head = table_of(LEVER_NAMES, lever_rows(metrics, of=("kernels of the head", "pooled prior of the head")))
    return f"""
Selection half: {sizes[0]}; report half: {sizes[1]}. Geometric means over datasets.

{table_of(names, lines)}

The two levers of the head over all tasks, as the error with the lever relative to that without it:

{levers_of_head}

"""


@shipped("embedding_cross_instrument")
def phase_6_cross_instrument(path: Path) -> str:
    table = tab_phase6_cross_instrument.tabulate(load_metrics(path))
    table = table[(table["block"] == "summary") & table["method"].isin(MAIN)]
    names = ("tested on", "method", "tasks", "to tuned PLS", "95 % interval", "p", "RMSEP / SD")
    lines = [
        [PROTOCOLS[row["condition"]], row["label"], *effect(row), number(row["relative"], ".2f")]
        for row in table.to_dict("records")
    ]
    return f"\n{table_of(names, lines)}\n\n"


@shipped("transfer")
def transfer(path: Path) -> str:
    table = tab_transfer_benchmark.table_of(load_metrics(path))
    table = table[(table["block"] == "summary") & (table["method"] != tab_transfer_benchmark.OWN)]
    table = table[table["size"].isin((0, *TRANSFER_SIZES)) | table["size"].isna()]
    names = ("transfer samples", "method", "tasks", "to own calibration", "95 % interval", "p", "η")
    lines = [
        [number(row["size"], ".0f"), row["label"], *effect(row), number(row["eta"], ".2f")]
        for row in table.sort_values("size", kind="stable").to_dict("records")
    ]
    return f"\n{table_of(names, lines)}\n\n"


@shipped("transfer")
def learned_transfer(path: Path) -> str:
    rows = learned_rows.read_learned(load_metrics(path))
    rows = rows[~rows["synthetic"].astype(bool)]
    table = learned_rows.claims(rows)
    names = ("pair", "target", "network, samples", "PDS, samples", "draws", "seeds", "network / PDS")
    names += ("95 % interval", "p", "p (Holm)", "verdict")
    lines = [
        [
            *(arrow(row["pair"]), row["target"], f"{row['size']:.0f}", f"{row['base_size']:.0f}", str(row["draws"])),
            *(str(row["seeds"]), f"{row['ratio']:.3f}", f"{row['low']:.3f} to {row['high']:.3f}"),
            *(p_value(row["p"]), p_value(row["p_holm"]), row["verdict"]),
        ]
        for row in table.to_dict("records")
    ]
    ablation = learned_rows.comparison(rows, learned_rows.fittings(rows) | learned_rows.GROUPS)
    changes = [
        [
            *(row["label"], str(row["pairs"]), str(row["units"]), str(row["seeds"]), f"{row['ratio']:.3f}"),
            *(f"{row['low']:.3f} to {row['high']:.3f}", p_value(row["p_holm"])),
        ]
        for row in ablation.to_dict("records")
    ]
    about = ("change", "pairs", "units", "seeds", "RMSEP, changed / full", "95 % interval", "p (Holm)")
    return f"""
{sentence(table)}

{table_of(names, lines)}

What each part of the network is worth; above 1 the change does harm:

{table_of(about, changes)}

"""


def sentence(table: pd.DataFrame) -> str:
    """Return how often the network wins, ties and loses, with as many samples as PDS and with fewer."""
    parts = []
    same = table[table["size"] == table["base_size"]]
    for size, own in same.groupby("size"):
        parts.append(f"with {size:.0f} samples each it {tally(own)}")
    fewer = table[table["size"] < table["base_size"]]
    if len(fewer):
        parts.append(
            f"with {fewer['size'].iloc[0]:.0f} against the most that PDS was given (up to 50) it {tally(fewer)}"
        )
    return f"The network against PDS on {same['pair'].nunique()} pairs: {'; '.join(parts)}."


def tally(rows: pd.DataFrame) -> str:
    counts = rows["verdict"].value_counts()
    return ", ".join(
        f"{verb} {counts.get(name, 0)}" for name, verb in (("wins", "wins"), ("tie", "ties"), ("loses", "loses"))
    )


@shipped("soil")
def soil(path: Path) -> str:
    metrics = load_metrics(path)
    names = ("condition", "model", "tasks", "mean CCC", "less PLSR", "95 % interval", "p", "published")
    lines = []
    for row in soil_summary.models(metrics).to_dict("records"):
        difference = [number(row["mean"], "+.3f"), interval(row, "+.3f"), p_value(row["p_holm"])]
        about = [SOIL_CONDITIONS[row["condition"]], row["label"], f"{row['tasks']:.0f}", number(row["ccc"], ".3f")]
        lines.append([*about, *difference, number(row["published"], ".2f")])
    return f"\n{table_of(names, lines)}\n\n"


@shipped("soil")
def soil_spectra(path: Path) -> str:
    names = ("set", "MIR spectra", "by", "RMS error", "mean spectrum = 1", "variance kept")
    lines = [
        [row["dataset"], row["kind"], row["variant"], number(row["spectrum_rmse"], ".4f"), *shares(row)]
        for row in soil_summary.fidelity(load_metrics(path)).to_dict("records")
    ]
    return f"\n{table_of(names, lines)}\n\n"


def shares(row: dict) -> list[str]:
    return [number(row["relative"], ".3f"), number(row["variance_ratio"], ".2f")]


@shipped("soil")
def soil_distances(path: Path) -> str:
    names = ("condition", "model", "tasks", "beyond the limit", "rank correlation", "error within", "error beyond")
    lines = [
        [SOIL_CONDITIONS[row["condition"]], soil_summary.MODELS[row["method"]].label, f"{row['tasks']:.0f}"]
        + [number(row["outlying"], ".0%"), number(row["distance_rank_correlation"], ".2f")]
        + [number(row[f"rmsep_{side}"], ".2f") for side in ("inside", "outside")]
        for row in soil_summary.distances(load_metrics(path)).to_dict("records")
    ]
    return f"\n{table_of(names, lines)}\n\n"


@shipped("transfer_ageing")
def transfer_ageing(path: Path) -> str:
    table, _ = fig_transfer_degradation.ratios(load_metrics(path))
    found = fig_transfer_degradation.curves(table)
    strongest = found[found["level"] == found.groupby("condition")["level"].transform("max")]
    means = strongest.pivot_table(index="condition", columns="method", values="mean")
    methods = fig_transfer_degradation.ordered(means.columns)
    names = ["ageing", "amplitude", "datasets", *(fig_transfer_degradation.written(name).label for name in methods)]
    lines = []
    for condition, (title, label, scale) in fig_transfer_degradation.PANELS.items():
        if condition in means.index:
            amplitude = table.loc[table["condition"] == condition, "amplitude"].max()
            datasets = strongest.loc[strongest["condition"] == condition, "datasets"].max()
            of_methods = [number(means.loc[condition, name], ".2f") for name in methods]
            lines.append([title, f"{label}: {scale * amplitude:g}", str(datasets), *of_methods])
    return f"\n{table_of(names, lines)}\n\n"


@shipped("transfer_cross_modality")
def transfer_cross_modality(path: Path) -> str:
    rows = fig_transfer_cross_modality.read(load_metrics(path))
    ok = rows[rows["status"] == "ok"]
    means = ok.groupby(["pair", "amplitude", "method", "variant"])["value"].mean()
    columns = [
        (way, variant)
        for way in fig_transfer_cross_modality.WAYS
        for variant in fig_transfer_cross_modality.REPRESENTATIONS
        if (ok["variant"] == variant).any()
    ]
    ways = {"map": "map", "target_only": "anew"}
    variants = [fig_transfer_cross_modality.REPRESENTATIONS[v].label.replace("Network, ", "") for _, v in columns]
    names = ["measured, calibrated on", "samples", "own modality", "anew, all"]
    names += [f"{ways[way]}: {label.lower()}" for (way, _), label in zip(columns, variants, strict=True)]
    lines = []
    for pair in dict.fromkeys(ok["pair"]):
        ends = [
            number(means.get((pair, 0.0, end, "spectra"), np.nan), ".2f") for end in ("same_modality", "target_all")
        ]
        for size in sorted(ok.loc[(ok["pair"] == pair) & (ok["amplitude"] > 0), "amplitude"].unique()):
            cells = [number(means.get((pair, size, way, variant), np.nan), ".2f") for way, variant in columns]
            lines.append([fig_transfer_cross_modality.title_of(pair), f"{size:g}", *ends, *cells])
    return f"\n{table_of(names, lines)}\n\n"


@shipped("transfer_attention")
def transfer_attention(path: Path) -> str:
    rows = fig_transfer_attention.read(load_metrics(path))
    rows = rows[rows["condition"] == "enrichment"]
    numbers = rows.pivot_table(index=["dataset", "target", "variant"], columns="metric", values="value")
    names = ("dataset", "bands", "pretrained", "95 % of moved attention", "p", "random init")
    lines = []
    for dataset in dict.fromkeys(rows["dataset"]):
        for group in ("all", *fig_transfer_attention.GROUPS):
            if (dataset, group) not in numbers.index.droplevel("variant"):
                continue
            own = numbers.loc[(dataset, group)]
            random = own.loc[fig_transfer_attention.RANDOM, "enrichment"]
            row = own.drop(fig_transfer_attention.RANDOM).iloc[0]
            null = f"{row['enrichment_low']:.2f} to {row['enrichment_high']:.2f}"
            label = "any" if group == "all" else group
            lines.append([dataset, label, f"{row['enrichment']:.2f}", null, p_value(row["p"]), f"{random:.2f}"])
    return f"\n{table_of(names, lines)}\n\n"


@shipped("transfer_latent_map")
def transfer_latent_map(path: Path) -> str:
    table = plain(load_table(path, fig_transfer_latent_map.COLUMNS))
    table = table[table["status"] == "ok"]
    found = table.pivot_table(index="pair", columns="state", values="pair_distance", aggfunc="first")
    states = [name for name in fig_transfer_latent_map.STATES if name in found]
    names = ["pair", *(fig_transfer_latent_map.STATES[name].lower() for name in states)]
    lines = [
        [pair.replace(">", " > "), *(number(row[name], ".2f") for name in states)] for pair, row in found.iterrows()
    ]
    return f"\n{table_of(names, lines)}\n\n"


@shipped("transfer_outliers")
def transfer_outliers(path: Path) -> str:
    table = tab_transfer_outliers.table_of(load_metrics(path))
    table = table[table["block"] == "summary"]
    names = ["specimens", "limit", "datasets", *tab_transfer_outliers.CONDITIONS.values()]
    lines = [
        [f"{row['size']:g}", row["label"], f"{row['datasets']:g}"]
        + [number(100 * row[name], ".1f") for name in tab_transfer_outliers.CONDITIONS]
        for row in table.to_dict("records")
    ]
    return f"\n{table_of(names, lines)}\n\n"


@shipped("cost")
def phase_6_cost(path: Path) -> str:
    table = tab_phase6_cost.tabulate(load_table(path, tab_phase6_cost.COLUMNS))
    names = ("dataset", "method", "seconds", "to tuned PLS", "settings searched", "by hand", "needs")
    lines = []
    for row in table.to_dict("records"):
        label = look(f"{row['variant']}/{row['head']}" if row["variant"] else row["method"]).label
        ran = row["status"] == "ok"
        seconds = number(row["total"], ".2f") if ran else row["status"]
        about = [str(row["searched"]), str(row["by_hand"]), row["needs"]]
        lines.append([row["dataset"], label, seconds, number(row["relative"], ".1f") if ran else "", *about])
    return f"\n{table_of(names, lines)}\n\n"


@shipped("embedding_encoders", "embedding_synthetic", "embedding_metadata")
def levers(*paths: Path) -> str:
    return f"\n{table_of(LEVER_NAMES, lever_rows(load_union(paths)))}\n\n"


@shipped("embedding_encoders")
def wins_and_losses(path: Path) -> str:
    """Return the datasets on which the best learned row does best and worst, against tuned PLS and against fs."""
    rows = named(plain(load_metrics(path)))
    rows = scores(rows[rows["condition"] == "cv"], "regression")
    rows = claimable(rows)
    learned = [n for n in rows["method"].unique() if variant_of(n) and variant_of(n) not in UNTRAINED]
    base = rows[rows["method"] == PLS]
    means = {n: geometric_mean(paired(rows[rows["method"] == n], base)["ratio"].to_numpy()) for n in learned}
    best = min(means, key=lambda name: means[name])
    own = rows[rows["method"] == best]
    text = f"\nBest learned row over all tasks: {look(best).label}. Geometric mean over the tasks of a dataset.\n\n"
    for to in (PLS, FIXED["regression"]):
        ratios = np.log(paired(own, rows[rows["method"] == to]).set_index("dataset")["ratio"])
        ratios = np.exp(ratios.groupby(level="dataset").agg(["mean"])).join(
            ratios.groupby(level="dataset").size().rename("tasks")
        )
        ranked = ratios.sort_values("mean", kind="stable")
        for title, part in (("Most below", ranked.head(SHOWN)), ("Most above", ranked.tail(SHOWN)[::-1])):
            text += f"{title} {look(to).label}:\n\n{_datasets(part)}\n\n"
    return text


def _datasets(ratios: pd.DataFrame) -> str:
    entries = load_catalogue(CATALOGUE)
    names = ("dataset", "modality", "spectra", "channels", "tasks", "ratio")
    lines = []
    for dataset, row in ratios.iterrows():
        entry = entries[str(dataset)]
        size = [str(entry.expect.n_samples), str(entry.expect.n_channels)]
        lines.append([entry.title, entry.modality, *size, f"{row['tasks']:.0f}", f"{row['mean']:.3f}"])
    return table_of(names, lines)


def to_pls(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the summary of every row against tuned PLS on the same runs, by name."""
    rows = scores(named(plain(metrics)), "regression")
    base = rows[rows["method"] == PLS]
    parts = [paired_seeds(own, base, ("repeat", "draw")).assign(method=name) for name, own in rows.groupby("method")]
    if not parts:
        return pd.DataFrame(columns=SUMMARY).set_index("method")
    return summarise(pd.concat(parts), PLS, "ratio").set_index("method")


def lever_rows(metrics: pd.DataFrame, only: str = "", of: Sequence[str] | None = None) -> list[list[str]]:
    """Return the lines of levers whose names begin with `only`, or that are among `of`."""
    table = tab_pretraining_levers.tabulate(metrics)
    table = table[table["lever"].str.startswith(only) if of is None else table["lever"].isin(of)]
    return [[row["lever"], row["encoder"], HEADS[row["head"]], *effect(row)] for row in table.to_dict("records")]


def summaries(table: pd.DataFrame) -> list[pd.DataFrame]:
    summary = table[table["block"] == "summary"]
    return [summary[summary["task"] == task] for task in ("regression", "classification")]


def counts(summary: pd.DataFrame) -> str:
    most = summary.loc[summary["tasks"].idxmax()]
    return f"{most['tasks']:.0f} tasks of {most['datasets']:.0f} datasets in {most['families']:.0f} families"


def markdown(summary: pd.DataFrame, quantity: str, digits: str) -> str:
    names = ("method", quantity, "95 % interval", "median", "wins", "p")
    return table_of(names, [own(row, digits) for row in summary.to_dict("records")])


def compared(summary: pd.DataFrame, digits: str) -> str:
    names = ("method", "to tuned PLS", "95 % interval", "median", "wins", "p", "to control", "p", "to fs", "p")
    lines = []
    for row in summary.to_dict("records"):
        cells = own(row, digits)
        for to in ("control", "fixed"):
            cells += [number(row[f"{to}_mean"], digits), p_value(row[f"{to}_p_holm"])]
        lines.append(cells)
    return table_of(names, lines)


def table_of(names: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table in markdown."""
    rule = "|" + "---|" * len(names)
    return "\n".join([f"| {' | '.join(names)} |", rule, *(f"| {' | '.join(cells)} |" for cells in lines)])


def own(row: dict, digits: str) -> list[str]:
    """Return the cells of a row: name, effect, interval, median, share of wins, p."""
    name = row.get("label") or look(row["method"]).label
    if row["status"] != "ok":
        return [name, row["status"].split("; ")[0], "", "", "", ""]
    cells = [name, f"{row['mean']:{digits}}", "", f"{row['median']:{digits}}", "", ""]
    if pd.notna(row["win_share"]):
        cells[2] = interval(row, digits)
        cells[4:] = [f"{row['win_share']:.0%}", p_value(row["p_holm"])]
    return cells


def to_control(metrics: pd.DataFrame, method: str) -> list[str]:
    """Return the cells of a trained encoder's ratio to the untrained one of its make; empty ones for other methods."""
    control = control_of(method)
    if control is None:
        return ["", "", ""]
    rows = scores(named(plain(metrics)), "regression")
    own, base = (rows[rows["method"] == name] for name in (method, control))
    pairs = paired_seeds(own, base, ("repeat", "draw")).assign(method=method)
    return effect(summarise(pairs, control, "ratio").iloc[0])[1:]


def effect(row: dict | pd.Series) -> list[str]:
    """Return the cells of a ratio: number of tasks, geometric mean, interval, p."""
    if row.get("status", "ok") != "ok":
        return ["0", row["status"].split("; ")[0], "", ""]
    return [f"{row['tasks']:.0f}", f"{row['mean']:.3f}", interval(row, ".3f"), p_value(row["p_holm"])]


def interval(row: dict | pd.Series, digits: str) -> str:
    return " to ".join(filter(None, (number(row[f"mean_{end}"], digits) for end in ("low", "high"))))


def number(value: float, digits: str) -> str:
    return f"{value:{digits}}" if pd.notna(value) else ""


def p_value(p: float) -> str:
    return number(p, ".2g")


SECTIONS = {"phase 0": phase_0}
RESULT_SECTIONS = {
    "phase 0": phase_0,
    "phase 1": phase_1,
    "phase 2": phase_2,
    "wins and losses": wins_and_losses,
    "phase 3": phase_3,
    "phase 4": phase_4,
    "phase 5": phase_5,
    "phase 6, accuracy": phase_6_downstream,
    "phase 6, few-shot": phase_6_few_shot,
    "phase 6, other instruments": phase_6_cross_instrument,
    "phase 6, cost": phase_6_cost,
    "phase 6, levers": levers,
    "pretraining, report half": pretraining_final,
    "calibration transfer": transfer,
    "learned transfer": learned_transfer,
    "calibration transfer, ageing": transfer_ageing,
    "calibration transfer, modalities": transfer_cross_modality,
    "calibration transfer, attention": transfer_attention,
    "calibration transfer, latent space": transfer_latent_map,
    "calibration transfer, outliers": transfer_outliers,
    "soil, models": soil,
    "soil, spectra": soil_spectra,
    "soil, distances": soil_distances,
}

if __name__ == "__main__":
    main()
