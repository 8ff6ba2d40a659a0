"""Calibrations inside each dataset: classical methods, encoders, and what each lever of pretraining does."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from etalon.catalogue import load_catalogue
from etalon.evaluate.compare import claimable, geometric_mean, paired
from etalon.figures import (
    fig_phase2_robustness,
    fig_pretraining_scaling,
    tab_encoder_readouts,
    tab_phase0_baselines,
    tab_phase1_feasibility,
    tab_phase2_ablation,
    tab_pretraining_final,
    tab_pretraining_levers,
)
from etalon.figures.command import load_metrics, load_union, plain
from etalon.figures.encoder_rows import FIXED, UNTRAINED, named, scores, variant_of
from etalon.figures.encoder_table import tabulate
from etalon.figures.perturbation_panels import PANELS
from etalon.figures.style import HEADS, REFERENCE, look
from sections.markdown import (
    COMPARED,
    alone,
    beside,
    compared,
    counts,
    effect,
    number,
    own,
    ranked,
    summaries,
    table_of,
)
from sections.shipped import shipped

CATALOGUE = Path(__file__).parents[3] / "config/datasets.yaml"
PLS = REFERENCE["regression"]
LEVERS = ("lever", "encoder", "head", "tasks", "with / without", "95 % interval", "p")
# What the README shows: the bar, masked modelling and episodes beside their controls, the fixed embedding.
HEADLINE = (
    *("tuned_pls", "tuned_ridge", "stacked_pls", "random_init/ridge", "masked_aug_baseline/ridge"),
    *("fsnl_random_init/evidence", "fsnl_episodic_asls/evidence", "fs/evidence", "fs/kernels"),
)
SHOWN = 5  # datasets in each list of wins and losses


@shipped("embedding_baselines")
def phase_0(path: Path) -> str:
    table = tab_phase0_baselines.tabulate(load_metrics(path))
    regression, classification = summaries(table)
    return f"""
Error relative to tuned PLS over {counts(regression)} (5-fold cross-validation by specimen, twice; component
numbers, strengths and, for the tuned methods, the preprocessing chosen inside the training rows). 95 % intervals
resample families of datasets; p is Wilcoxon's over datasets, after Holm.

{ranked(regression, "RMSECV ratio, geometric mean", ".3f")}

Classification, over {counts(classification)}, as difference to tuned PLS-DA:

{ranked(classification, "balanced accuracy, mean difference", "+.3f")}

"""


@shipped("embedding_encoders")
def headline(path: Path) -> str:
    metrics = load_metrics(path)
    # Holm's correction is over all rows of phase 2, so that the choice of these few flatters none.
    every = tabulate(
        metrics[metrics["task"] == "regression"],
        lambda present, task: list(dict.fromkeys([*tab_phase2_ablation.wanted(present, task), *HEADLINE])),
    )
    regression, *_ = summaries(every[every["method"].isin(HEADLINE)])
    return f"""
RMSECV relative to tuned PLS over {counts(regression)}, none of which the encoder saw in training. "To control": to
the same encoder untrained, under the same head; "to fs": to the fixed embedding under the linear evidence head. p is
Wilcoxon's over datasets, after Holm over all rows of phase 2.

{compared(regression, ".3f")}

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


@shipped("embedding_encoder_robustness")
def phase_2_robustness(path: Path) -> str:
    metrics = load_metrics(path)
    rows = named(plain(metrics[metrics["task"] == "regression"]))
    means, methods = fig_phase2_robustness.common_scores(rows)
    found = fig_phase2_robustness.curves(claimable(means))
    levels = found[found["level"].isin([0, 1, found["level"].max()])]
    table = levels.pivot_table(index=["condition", "level"], columns="method", values="mean")
    lines = [[look(method).label, number(table.loc[(next(iter(PANELS)), 0), method], ".2f")] for method in methods]
    for line, method in zip(lines, methods, strict=True):
        for condition in PANELS:
            smallest, largest = table.loc[condition, method].loc[1:]
            line.append(f"{smallest:.2f}, {largest:.2f}")
    titles = [panel.title.lower() for panel in PANELS.values()]
    return f"""
RMSECV on spectra disturbed with the smallest and the largest of four amplitudes, relative to that of tuned PLS on
spectra as measured; geometric mean over the same {found["tasks"].max()} tasks of {found["datasets"].max()} datasets of
up to 120 spectra. Nothing is fitted anew.

{table_of(("method", "as measured", *titles), lines)}

"""


@shipped("embedding_encoders")
def wins_and_losses(path: Path) -> str:
    """Return the datasets on which the best learned row does best and worst, against tuned PLS and against fs."""
    metrics = load_metrics(path)
    rows = claimable(scores(named(plain(metrics[metrics["condition"] == "cv"])), "regression"))
    learned = [n for n in rows["method"].unique() if variant_of(n) and variant_of(n) not in UNTRAINED]
    base = rows[rows["method"] == PLS]
    tasks = paired(rows[rows["method"].isin(learned)], base).groupby("method")["ratio"]
    means = {name: geometric_mean(ratios.to_numpy()) for name, ratios in tasks}
    best = min(means, key=lambda name: means[name])
    chosen = rows[rows["method"] == best]
    text = f"\nBest learned row over all tasks: {look(best).label}. Geometric mean over the tasks of a dataset.\n\n"
    for to in (PLS, FIXED["regression"]):
        ratios = np.log(paired(chosen, rows[rows["method"] == to]).set_index("dataset")["ratio"])
        ratios = np.exp(ratios.groupby(level="dataset").agg(["mean"])).join(
            ratios.groupby(level="dataset").size().rename("tasks")
        )
        ratios = ratios.sort_values("mean", kind="stable")
        for title, part in (("Most below", ratios.head(SHOWN)), ("Most above", ratios.tail(SHOWN)[::-1])):
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


@shipped("embedding_encoders", "embedding_synthetic", "embedding_metadata")
def levers(*paths: Path) -> str:
    return alone(LEVERS, lever_rows(load_union(paths)))


def lever_rows(metrics: pd.DataFrame, only: str = "", of: Sequence[str] | None = None) -> list[list[str]]:
    """Return the lines of levers whose names begin with `only`, or that are among `of`."""
    table = tab_pretraining_levers.tabulate(metrics)
    table = table[table["lever"].str.startswith(only) if of is None else table["lever"].isin(of)]
    return [[row["lever"], row["encoder"], HEADS[row["head"]], *effect(row)] for row in table.to_dict("records")]


@shipped("embedding_encoders")
def pretraining_final(path: Path) -> str:
    metrics = load_metrics(path)
    table = tab_pretraining_final.tabulate(metrics)
    lines = [[row["half"], *own(row, ".3f"), *beside(row, ".3f")] for row in table.to_dict("records")]
    of_halves = table[table["method"] == FIXED["regression"]].set_index("half")
    sizes = [f"{row['datasets']} datasets in {row['families']} families" for _, row in of_halves.iterrows()]
    levers_of_head = table_of(LEVERS, lever_rows(metrics, of=("kernels of the head", "pooled prior of the head")))
    return f"""
Selection half: {sizes[0]}; report half: {sizes[1]}. Geometric means over datasets.

{table_of(("half", *COMPARED), lines)}

The two levers of the head over all tasks, as the error with the lever relative to that without it:

{levers_of_head}

"""


@shipped("embedding_scaling")
def pretraining_scaling(path: Path) -> str:
    rows = scores(named(plain(load_metrics(path))), "regression")
    lines = []
    for panel in fig_pretraining_scaling.PANELS:
        cell = fig_pretraining_scaling.compare_scales(rows, panel)
        for factor, (variant, _) in panel.points.items():
            for head in fig_pretraining_scaling.HEADS:
                if (name := f"{variant}/{head}") in cell.names:
                    lines.append([panel.label, f"{factor:g}", HEADS[head], *effect(cell.summary.loc[name])])
    names = ("scaled", "factor", "head", "tasks", "trained / untrained", "95 % interval", "p")
    return alone(names, lines)
