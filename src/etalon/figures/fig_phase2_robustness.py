"""fig_phase2_robustness: embeddings and classical methods when test spectra are disturbed, on the same tasks."""

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from etalon.errors import BadInputError
from etalon.evaluate.compare import TASK, geometric_mean
from etalon.figures import perturbation_panels as panels
from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, plain, run
from etalon.figures.encoder_rows import ABSENT, LADDER, named, not_run, scores, shown, stand_for, variant_of
from etalon.figures.perturbation_panels import PANELS
from etalon.figures.style import MM, REFERENCE

CLASSICAL = ("tuned_pls", "asls_snv_pls")
VARIANTS = ("random_init", *LADDER, "fsnl_episodic_asls", "fs")
HEADS = ("evidence", "ridge")  # the first that all variants were tested with
BEST = "fs/kernels"  # drawn besides, dashed: a head that no trained encoder can have
TASK_KIND = "regression"
Y_LABEL = "RMSECV / RMSECV of clean tuned PLS, geometric mean over tasks"
HEIGHT, NOTE_HEIGHT, NOTE_WIDTH = 98.0, 3.2, 150  # mm; mm; characters


def selected(rows: pd.DataFrame) -> list[str]:
    """Return the names of the rows to draw, whether or not they ran: all embeddings under one head, and `BEST`."""
    disturbed = rows[rows["condition"].isin(PANELS)]
    tested = set(disturbed["method"])
    trained = [variant for variant in VARIANTS if any(name.startswith(f"{variant}/") for name in tested)]
    common = (head for head in HEADS if trained and all(f"{variant}/{head}" in tested for variant in trained))
    head = next(common, HEADS[-1])
    return style.order([*CLASSICAL, *(f"{variant}/{head}" for variant in VARIANTS), *({BEST} & tested)])


def common_scores(metrics: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the mean errors that every drawn row has, and the names of what is drawn.

    A row of the figure is compared with the others on the tasks, and repeats of the folds, that all of them have at
    every amplitude of a perturbation; its seeds are averaged.

    Returns
    -------
    family, dataset, target, condition, level (0: clean), method, value, with the columns of `claimable`
    """
    chosen = metrics[metrics["method"].isin(selected(metrics))]
    ran = scores(chosen, TASK_KIND)
    rows = panels.with_levels(ran[ran["condition"].isin(PANELS)])
    names = style.order(rows["method"])
    runs = rows[[*TASK, "method", "condition", "seed", "repeat"]].drop_duplicates()
    clean = ran[ran["condition"] == "cv"].drop(columns="condition")
    rows = pd.concat([runs.merge(clean, on=[*TASK, "method", "seed", "repeat"]).assign(level=0), rows])
    place = [*TASK, "condition"]
    repeats = rows.groupby([*place, "level", "repeat"])["method"].transform("nunique") == len(names)
    rows = rows[repeats]
    means = rows.groupby([*place, "synthetic", "overlaps", "level", "method"])["value"].mean().reset_index()
    levels = means.groupby("condition")["level"].transform("nunique")
    cells = means.groupby(place)["value"].transform("size")
    return means[cells == levels * len(names)], names


def curves(means: pd.DataFrame) -> pd.DataFrame:
    """Return what is drawn: condition, level, method, mean (geometric, over tasks), tasks, datasets.

    Parameters
    ----------
    means : output of `common_scores`
    """
    clean = means[(means["level"] == 0) & (means["method"] == REFERENCE[TASK_KIND])]
    base = clean[[*TASK, "condition", "value"]].rename(columns={"value": "base"})
    joined = means.merge(base, on=[*TASK, "condition"])
    groups = joined.assign(ratio=joined["value"] / joined["base"]).groupby(["condition", "level", "method"])
    return groups.agg(
        mean=("ratio", geometric_mean), tasks=("ratio", "size"), datasets=("dataset", "nunique")
    ).reset_index()


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw one panel a perturbation and one line a method; below, what did not run.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = named(plain(metrics[metrics["task"] == TASK_KIND]))
    if not rows["condition"].isin(PANELS).any():
        raise BadInputError("metrics", "condition", f"rows of {', '.join(PANELS)}", "none")
    means, names = common_scores(rows)
    if means.empty:
        raise BadInputError("metrics", "method", f"a task that {', '.join(names)} were all tested on", "none")
    means, extended = shown(means)
    notes = _notes(rows, names)
    heights = [HEIGHT, 2.0 + NOTE_HEIGHT * len(notes)]
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, sum(heights) * MM), layout="constrained")
        area, foot = np.asarray(figure.subfigures(2, 1, height_ratios=heights))
        title = _legend_title(names, means, extended)
        _draw_panels(area, curves(means), _amplitudes(rows, means), names, title)
        foot.text(0.01, 1.0, "\n".join(notes), size=6.0, va="top", linespacing=1.3)
    return figure


def _notes(rows: pd.DataFrame, names: list[str]) -> list[str]:
    """Return the lines below the figure: what did not run, or never was in the table."""
    wanted = selected(rows)
    notes = style.not_run_notes(rows[rows["method"].isin({whole for name in wanted for whole in stand_for(name)})])
    absent = [name for name in wanted if name not in names and not_run(rows, name).empty]
    notes += [f"{', '.join(style.look(name).label for name in absent)} {ABSENT}"] if absent else []
    return [line for note in notes for line in textwrap.wrap(note, NOTE_WIDTH)]


def _amplitudes(rows: pd.DataFrame, means: pd.DataFrame) -> pd.DataFrame:
    """Return the amplitudes, with their levels, of the datasets that are drawn."""
    own = rows[rows["condition"].isin(PANELS) & (rows["status"] == "ok")]
    drawn = means[["dataset", "condition"]].drop_duplicates()
    return panels.with_levels(own[["dataset", "condition", "amplitude", "amplitude_unit"]]).merge(drawn)


def _legend_title(names: list[str], means: pd.DataFrame, extended: bool) -> str:
    title = "Tasks that every method was tested on"
    if heads := {name.partition("/")[2] for name in names if "/" in name and name != BEST}:
        title += f"\nEmbeddings under the {style.HEADS[heads.pop()]}"
    if extended:
        title += "\n" + ("Synthetic spectra" if means["synthetic"].any() else "Overlapping sets") + " included"
    return title


def _draw_panels(area: SubFigure, found: pd.DataFrame, amplitudes: pd.DataFrame, names: list[str], title: str) -> None:
    axes = area.subplots(2, 4, sharey=True)
    for axis, (condition, panel) in zip(axes.flat, PANELS.items(), strict=False):
        _draw_panel(axis, panel.title, found[found["condition"] == condition], names)
        panels.label_amplitudes(axis, panel, amplitudes[amplitudes["condition"] == condition])
    panels.log_scale(axes.flat[0])
    legend = axes.flat[-1]
    legend.axis("off")
    drawn = next(axis for axis in axes.flat if axis.has_data())
    legend.legend(*drawn.get_legend_handles_labels(), loc="center left", title=title, alignment="left")
    area.supylabel(Y_LABEL, size=style.RC["axes.labelsize"])


def _draw_panel(axis: Axes, title: str, found: pd.DataFrame, names: list[str]) -> None:
    axis.set_title(title, pad=9)
    axis.grid(axis="y")
    axis.set_axisbelow(True)
    for name in names if len(found) else ():
        own = found[found["method"] == name].sort_values("level")
        # The legend's title names the head of all embeddings but the best.
        look = style.look(f"{variant_of(name)}/" if "/" in name and name != BEST else name)
        line = "--" if name == BEST else "-"
        axis.plot(own["level"], own["mean"], line, color=look.colour, marker=look.marker, label=look.label)
    text = "not run"
    if len(found):
        text = ", ".join(style.count(found[f"{name}s"].max(), name) for name in ("task", "dataset"))
    axis.text(0.5, 1.03, text, transform=axis.transAxes, ha="center", size=5.5, color="0.35")


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
