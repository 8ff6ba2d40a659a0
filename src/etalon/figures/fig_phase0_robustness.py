"""fig_phase0_robustness: errors of calibrations fitted on clean spectra when test spectra are disturbed."""

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from etalon.errors import BadInputError
from etalon.evaluate.compare import TASK, claimable
from etalon.evaluate.score import PRIMARY
from etalon.figures import perturbation_panels as panels
from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, plain, run
from etalon.figures.perturbation_panels import PANELS
from etalon.figures.style import METHODS, MM, REFERENCE

Y_LABEL = {
    "regression": "RMSECV / RMSECV of clean tuned PLS",
    "classification": "Balanced accuracy minus that of clean tuned PLS-DA",
}


PART_HEIGHT, NOTE_HEIGHT = 92.0, 3.2  # mm: two rows of panels; one line of notes
NOTE_WIDTH = 150  # characters across the page
MIN_TASKS = 3  # quartiles of fewer show nothing


def disturbed(metrics: pd.DataFrame, task: str) -> pd.DataFrame:
    """Return the scores on disturbed spectra that are drawn, with the `level` of their amplitude.

    The level is the rank of the amplitude among those a dataset was tested with. Synthetic and overlapping sets are
    left out, unless fewer than `MIN_TASKS` tasks would remain: a demo, not a result, and the legend says so.
    """
    rows = metrics[metrics["condition"].isin(PANELS) & (metrics["task"] == task) & (metrics["metric"] == PRIMARY[task])]
    rows = panels.with_levels(rows)
    rows = rows[(rows["fold"] == -1) & (rows["status"] == "ok")]
    real = claimable(rows)
    return real if len(real[TASK].drop_duplicates()) >= MIN_TASKS else rows


def curves(metrics: pd.DataFrame, task: str) -> pd.DataFrame:
    """Return what is drawn: each method under each perturbation, by level; level 0 is the clean spectrum.

    The effect on a task is its RMSECV over that of tuned PLS on clean spectra (its balanced accuracy minus that of
    tuned PLS-DA), both averaged over the same repeats of the folds.

    Returns
    -------
    condition, level, method, median, low, high (quartiles over tasks), tasks, datasets
    """
    rows = disturbed(metrics, task)
    clean = metrics[(metrics["condition"] == "cv") & (metrics["metric"] == PRIMARY[task]) & (metrics["status"] == "ok")]
    clean = clean[(clean["fold"] == -1) & clean["repeat"].isin(rows["repeat"].unique())]
    base = clean[clean["method"] == REFERENCE[task]].groupby(TASK)["value"].mean().rename("base").reset_index()
    tested = rows[[*TASK, "method", "condition"]].drop_duplicates()
    zero = tested.merge(clean[[*TASK, "method", "value"]], on=[*TASK, "method"]).assign(level=0)
    means = pd.concat([zero, rows]).groupby([*TASK, "condition", "level", "method"])["value"].mean().reset_index()
    means = means.merge(base, on=TASK)
    effect = means["value"] / means["base"] if task == "regression" else means["value"] - means["base"]
    groups = means.assign(effect=effect).groupby(["condition", "level", "method"])
    return groups.agg(
        median=("effect", "median"),
        low=("effect", lambda e: e.quantile(0.25)),
        high=("effect", lambda e: e.quantile(0.75)),
        tasks=("effect", "size"),
        datasets=("dataset", "nunique"),
    ).reset_index()


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw medians over tasks (lines) with quartiles (bars), one panel a perturbation; below, what did not run.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    metrics = plain(metrics)
    parts = {task: found for task in PRIMARY if len(found := curves(metrics, task))}
    if not parts:
        raise BadInputError("metrics", "condition", f"rows of {', '.join(PANELS)} that ran", "none")
    notes = [line for note in style.not_run_notes(metrics) for line in textwrap.wrap(note, NOTE_WIDTH)]
    heights = [*(PART_HEIGHT for _ in parts), 2.0 + NOTE_HEIGHT * len(notes)]
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, sum(heights) * MM), layout="constrained")
        *areas, foot = np.asarray(figure.subfigures(len(heights), 1, height_ratios=heights))
        for letter, area, (task, found) in zip("ab", areas, parts.items(), strict=False):
            _draw_part(area, disturbed(metrics, task), task, found)
            area.text(0.004, 0.99, letter, weight="bold", size=9, va="top")
        foot.text(0.01, 1.0, "\n".join(notes), size=6.0, va="top", linespacing=1.3)
    return figure


def _draw_part(area: SubFigure, rows: pd.DataFrame, task: str, found: pd.DataFrame) -> None:
    axes = area.subplots(2, 4, sharey="row")
    methods = style.order(found["method"])
    for axis, (condition, panel) in zip(axes.flat, PANELS.items(), strict=False):
        _draw_panel(axis, panel.title, found[found["condition"] == condition], methods)
        panels.label_amplitudes(axis, panel, rows[rows["condition"] == condition])
    for line in axes:
        if any(axis.has_data() for axis in line):
            if task == "regression":
                panels.log_scale(line[0])
        else:
            line[0].set_yticks([])
    legend = axes.flat[-1]
    legend.axis("off")
    handles = axes.flat[0].get_legend_handles_labels()
    title = "Median and quartiles over tasks"
    if len(claimable(rows)) < len(rows):
        kind = "Synthetic spectra" if rows["synthetic"].any() else "Overlapping sets"
        title += f"\n{kind} {'only' if not len(claimable(rows)) else 'included'}"
    legend.legend(*handles, loc="center left", title=title, alignment="left")
    area.supylabel(Y_LABEL[task], size=style.RC["axes.labelsize"])


def _draw_panel(axis: Axes, title: str, found: pd.DataFrame, methods: list[str]) -> None:
    axis.set_title(title, pad=9)
    axis.grid(axis="y")
    axis.set_axisbelow(True)
    for place, name in enumerate(methods if len(found) else ()):
        own = found[found["method"] == name].sort_values("level")
        x = own["level"] + 0.07 * (place - (len(methods) - 1) / 2)  # side by side, so that bars do not hide each other
        method = METHODS[name]
        bars = np.stack([own["median"] - own["low"], own["high"] - own["median"]])
        axis.errorbar(
            x, own["median"], bars, color=method.colour, marker=method.marker, elinewidth=0.5, label=method.label
        )
    counts = [style.count(found[f"{name}s"].max(), name) for name in ("task", "dataset")] if len(found) else []
    text = ", ".join(counts) or "not run"
    axis.text(0.5, 1.03, text, transform=axis.transAxes, ha="center", size=5.5, color="0.35")


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
