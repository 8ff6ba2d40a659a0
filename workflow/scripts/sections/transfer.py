"""Calibration transfer: between instruments, by a learned network, under ageing, between modalities, outliers."""

from pathlib import Path

import numpy as np
import pandas as pd

from etalon.figures import (
    fig_transfer_attention,
    fig_transfer_benchmark,
    fig_transfer_cross_modality,
    fig_transfer_degradation,
    fig_transfer_latent_map,
    fig_transfer_uncertainty,
    learned_rows,
    tab_transfer_benchmark,
    tab_transfer_claim,
    tab_transfer_outliers,
)
from etalon.figures.command import load_metrics, load_table, plain
from etalon.figures.learned_rows import VERDICTS
from etalon.figures.transfer_rows import PROCESS, SIZE, arrow
from sections.markdown import alone, effect, interval, number, p_value, table_of
from sections.shipped import shipped

SIZES = (5, 10, 30)  # numbers of transfer samples
HEADLINE = ("none", "sbc", "ds", "pds", "spiking", "target_only", PROCESS)
WIDTH = 0.9  # level of the intervals whose width is shown


@shipped("transfer")
def transfer(path: Path) -> str:
    table = tab_transfer_benchmark.table_of(load_metrics(path))
    table = table[(table["block"] == "summary") & (table["method"] != tab_transfer_benchmark.OWN)]
    table = table[table["size"].isin((0, *SIZES)) | table["size"].isna()]
    table = table[~table["method"].isin(fig_transfer_benchmark.HIDDEN)]
    names = ("transfer samples", "method", "tasks", "to own calibration", "95 % interval", "p", "η")
    lines = [
        [number(row["size"], ".0f"), row["label"], *effect(row), number(row["eta"], ".2f")]
        for row in table.sort_values("size", kind="stable").to_dict("records")
    ]
    return alone(names, lines)


@shipped("transfer")
def headline(path: Path) -> str:
    table = tab_transfer_benchmark.table_of(load_metrics(path))
    table = table[(table["block"] == "summary") & table["method"].isin(HEADLINE) & table["size"].isin((0, *SIZES))]
    names = ("method", "tasks", *(f"{size} samples" for size in SIZES))
    lines = []
    for _, own in table.groupby("method", sort=False):
        by_size = own.set_index("size").to_dict("index")
        cells = {size: f"{row['mean']:.2f} ({interval(row, '.2f')})" for size, row in by_size.items()}
        shown = [cells.get(size, cells.get(0.0, "")) for size in SIZES]
        lines.append([own["label"].iloc[0], f"{own['tasks'].max():.0f}", *shown])
    families, own = table["families"].max(), table["tasks"].max()
    return f"""
RMSEP on the second instrument, relative to a calibration of that instrument on all training specimens; geometric mean
and 95 % interval over {own:.0f} directions between instruments of {families:.0f} families, 20 random draws of transfer
samples, held-out specimens.

{table_of(names, lines)}

"""


@shipped("transfer")
def transfer_claim(path: Path) -> str:
    metrics = load_metrics(path)
    table = tab_transfer_claim.table_of(metrics)
    table = table[table["method"] == PROCESS]
    found = tab_transfer_claim.by_family(table)
    whole = found["family"].isin(("", tab_transfer_claim.UNTOUCHED))
    found = found[found["size"].isin(SIZES) & (whole | (found["size"] == SIZE))]
    names = ("samples", "samples of PDS", "family", "tasks", "to PDS", "wins, ties, losses", "to the best in hindsight")
    lines = [
        [
            *(f"{row['size']:.0f}", "up to 50" if row["fewer"] else f"{row['size']:.0f}", row["family"] or "all"),
            *(str(row["tasks"]), f"{row['ratio']:.2f}", ", ".join(str(row[v]) for v in VERDICTS.values())),
            f"{row['best']:.2f}",
        ]
        for row in found.sort_values(["fewer", "size"], kind="stable").to_dict("records")
    ]
    return f"\n{table_of(names, lines)}\n\n{intervals(metrics)}\n\n"


def intervals(metrics: pd.DataFrame) -> str:
    """Return a table of coverage and width of the intervals of the process, means over tasks."""
    table = fig_transfer_uncertainty.tabulate(metrics, PROCESS)[0]
    covered = table[table["kind"] == "coverage"]
    means = covered.pivot_table(index="size", columns="level", values="value")
    width = table[(table["kind"] == "interval_width") & (table["level"] == WIDTH)].groupby("size")["value"].median()
    tasks = covered.groupby("size")["pair"].nunique()
    names = ("samples", "pairs", *(f"coverage, {level:.0%}" for level in means), f"width, {WIDTH:.0%}")
    lines = [
        [
            *(f"{size:.0f}", str(tasks[size]), *("" if np.isnan(v) else f"{100 * v:.0f} %" for v in row)),
            f"{width[size]:.1f}" if size in width.index else "",
        ]
        for size, row in zip(means.index, means.to_numpy(), strict=True)
    ]
    return table_of(names, lines)


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
    return alone(names, lines)


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
    return alone(names, lines)


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
    return alone(names, lines)


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
    return alone(names, lines)


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
    return alone(names, lines)
