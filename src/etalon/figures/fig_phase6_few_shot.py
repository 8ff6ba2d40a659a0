"""fig_phase6_few_shot: calibrations of 5 to 80 specimens, relative to tuned PLS and to the mean of the references.

Left: RMSEP relative to tuned PLS on the same draws of as many specimens, geometric mean over tasks with its interval
over families and seeds. Right: RMSEP over the standard deviation of the test references (divisor n, so that it is
sqrt(1 - R²)), geometric mean over the tasks that are large enough for every number of specimens; 1 is what the mean of
the references achieves.
"""

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from etalon.errors import BadInputError
from etalon.evaluate.compare import TASK, geometric_mean, paired_seeds, summarise
from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, plain, run
from etalon.figures.encoder_rows import ABSENT, named, not_run, shown, stand_for, variant_of
from etalon.figures.perturbation_panels import log_scale
from etalon.figures.style import MM, REFERENCE

CONDITION, KIND = "few_shot", "regression"
CLASSICAL = ("tuned_pls", "stacked_pls", "tuned_ridge")
VARIANTS = ("random_init", "masked_aug_baseline", "fsnl_random_init", "fsnl_episodic_asls", "fs")
HEADS = ("evidence", "ridge")  # the first that all variants were tested with
KERNELS = "fs/kernels"  # a head on fs alone: a curve beside the others where it ran
HEIGHT, NOTE_HEIGHT, NOTE_WIDTH = 78.0, 3.2, 150  # mm; mm; characters
CURVE = ["size", "method", "mean", "low", "high", "relative", "tasks", "tasks_of_all_sizes"]


def few_shot_rows(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of few-shot calibrations that the figure may draw, with names of embeddings as methods.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    chosen = (metrics["condition"] == CONDITION) & metrics["metric"].isin(("rmsep", "r2"))
    heads = ("", *HEADS, KERNELS.partition("/")[2])
    chosen &= metrics["method"].isin(CLASSICAL) | metrics["variant"].isin(VARIANTS) & metrics["head"].isin(heads)
    if not chosen.any():
        raise BadInputError("metrics", "condition", f"rows of {CONDITION}", "none")
    return named(plain(metrics[chosen]))


def selected(rows: pd.DataFrame) -> list[str]:
    """Return the names of the rows to draw, whether or not they ran: all embeddings under one head, and `KERNELS`."""
    ran = set(rows.loc[rows["status"] == "ok", "method"])
    trained = [variant for variant in VARIANTS if any(name.startswith(f"{variant}/") for name in ran)]
    common = (head for head in HEADS if trained and all(f"{variant}/{head}" in ran for variant in trained))
    head = next(common, HEADS[0])
    beside = [KERNELS] if KERNELS in ran else []
    return style.order([*CLASSICAL, *(f"{variant}/{head}" for variant in VARIANTS), *beside])


def curves(rows: pd.DataFrame, names: list[str]) -> tuple[pd.DataFrame, bool]:
    """Return what is drawn, `CURVE`, and whether synthetic or overlapping sets are part of it.

    All methods of one number of specimens are compared on the tasks and draws that every one of them has.

    Parameters
    ----------
    rows : output of `few_shot_rows`
    names : of the methods to draw; those without a row are left out
    """
    own = rows[rows["method"].isin(names) & (rows["status"] == "ok") & rows["value"].notna()]
    present = [name for name in names if (own["method"] == name).any()]
    draw = [*TASK, "amplitude", "draw", "metric"]
    shared = own[own.groupby(draw)["method"].transform("nunique") == len(present)]
    kept, extended = shown(shared)
    if kept.empty or REFERENCE[KIND] not in present:
        raise BadInputError("metrics", "method", f"a task that {', '.join(names)} were all tested on", "none")
    kept = kept.assign(synthetic=False, overlaps="")  # what remains is shown, and said to be
    rmsep, relative = kept[kept["metric"] == "rmsep"], _relative(kept, kept["amplitude"].nunique())
    parts = [_of_size(size, rmsep[rmsep["amplitude"] == size], present) for size in sorted(rmsep["amplitude"].unique())]
    table = pd.concat(parts, ignore_index=True).merge(relative, on=["size", "method"], how="left")
    return table[CURVE], extended


def _of_size(size: float, rows: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return the geometric mean of the ratio to the reference, and its interval, at one number of specimens."""
    pairs = paired_seeds(rows[rows["method"].isin(names)], rows[rows["method"] == REFERENCE[KIND]], ("draw",))
    found = summarise(pairs, REFERENCE[KIND], "ratio").set_index("method").loc[names].reset_index()
    return found.rename(columns={"mean_low": "low", "mean_high": "high"})[
        ["method", "mean", "low", "high", "tasks"]
    ].assign(size=size)


def _relative(rows: pd.DataFrame, sizes: int) -> pd.DataFrame:
    """Return size, method, relative (RMSEP over SD, geometric mean) over the tasks that have all `sizes`."""
    r2 = rows[rows["metric"] == "r2"]
    r2 = r2.assign(value=np.sqrt(np.maximum(1.0 - r2["value"], 0.0)))
    means = r2.groupby([*TASK, "amplitude", "method"])["value"].mean().reset_index()
    means = means[means.groupby(TASK)["amplitude"].transform("nunique") == sizes]
    found = means.groupby(["amplitude", "method"])["value"].agg(relative=geometric_mean, tasks_of_all_sizes="size")
    return found.reset_index().rename(columns={"amplitude": "size"})


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw both panels; below, what did not run.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = few_shot_rows(metrics)
    names = selected(rows)
    table, extended = curves(rows, names)
    notes = _notes(rows, names)
    heights = [HEIGHT, 2.0 + NOTE_HEIGHT * len(notes)]
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, sum(heights) * MM), layout="constrained")
        area, foot = np.asarray(figure.subfigures(2, 1, height_ratios=heights))
        left, right, legend = area.subplots(1, 3, width_ratios=(1.0, 1.0, 0.62))
        _draw_ratios(left, table, names)
        _draw_relative(right, table, names)
        legend.axis("off")
        title = _legend_title(names, extended)
        legend.legend(*left.get_legend_handles_labels(), loc="center left", title=title, alignment="left")
        foot.text(0.01, 1.0, "\n".join(notes), size=6.0, va="top", linespacing=1.3)
    return figure


def _draw_ratios(axis: Axes, table: pd.DataFrame, names: list[str]) -> None:
    axis.set_title("Relative to tuned PLS", pad=9)
    for name in names:
        own, look = table[table["method"] == name].sort_values("size"), _look(name)
        if own.empty:
            continue
        axis.plot(own["size"], own["mean"], _line(name), color=look.colour, marker=look.marker, label=look.label)
        axis.fill_between(own["size"], own["low"], own["high"], color=look.colour, alpha=0.10, lw=0)
    axis.set_ylabel("RMSEP / RMSEP of tuned PLS, geometric mean over tasks")
    counts = table.groupby("size")["tasks"].max()
    _label_sizes(axis, list(counts.index), [f"{size:g}\n{style.count(n, 'task')}" for size, n in counts.items()])


def _draw_relative(axis: Axes, table: pd.DataFrame, names: list[str]) -> None:
    axis.set_title("Relative to the mean of the references", pad=9)
    complete = table.dropna(subset=["relative"])
    for name in names:
        own, look = complete[complete["method"] == name].sort_values("size"), _look(name)
        axis.plot(own["size"], own["relative"], _line(name), color=look.colour, marker=look.marker)
    axis.set_ylabel("RMSEP / SD of the test references, geometric mean")
    sizes = sorted(table["size"].unique())
    _label_sizes(axis, sizes, [f"{size:g}" for size in sizes])
    text = "no task is large enough for all sizes"
    if len(complete):
        text = f"{style.count(int(complete['tasks_of_all_sizes'].max()), 'task')} with every number of specimens"
    axis.text(0.5, 1.02, text, transform=axis.transAxes, ha="center", size=5.5, color="0.35")


def _label_sizes(axis: Axes, sizes: list[float], labels: list[str]) -> None:
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(FixedLocator(list(sizes)))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xticks(list(sizes), labels)
    axis.set_xlabel("Training specimens")
    axis.axhline(1.0, color="0.6", lw=0.6, zorder=0)
    axis.grid(axis="y")
    axis.set_axisbelow(True)
    log_scale(axis)
    low, high = axis.get_ylim()
    if high < 2 * low:  # a decade's round numbers would leave such an axis without ticks
        axis.yaxis.set_major_locator(MaxNLocator(6))


def _line(name: str) -> str:
    """Return the style of a method's line: classical rivals of the reference are dashed, `KERNELS` is dotted."""
    if name == KERNELS:
        return ":"
    return "--" if name in CLASSICAL and name != REFERENCE[KIND] else "-"


def _look(name: str) -> style.Method:
    if name == KERNELS:
        return style.look(name)
    return style.look(f"{variant_of(name)}/" if "/" in name else name)  # the legend's title names the head


def _legend_title(names: list[str], extended: bool) -> str:
    head = next(name for name in names if "/" in name and name != KERNELS).partition("/")[2]
    title = f"Embeddings under the {style.HEADS[head]}" if head == "evidence" else f"Embeddings + {style.HEADS[head]}"
    return title + ("\nSynthetic or overlapping sets included" if extended else "")


def _notes(rows: pd.DataFrame, names: list[str]) -> list[str]:
    """Return the lines below the figure: what did not run, or never was in the table.

    Sets too small for a number of specimens are counted below the axis and not named here.
    """
    whole = rows[(rows["status"] == "ok") | rows["amplitude"].isna()]
    notes = style.not_run_notes(whole[whole["method"].isin({n for name in names for n in stand_for(name)})])
    ran = set(rows.loc[rows["status"] == "ok", "method"])
    absent = [name for name in names if name not in ran and not_run(rows, name).empty]
    notes += [f"{', '.join(style.look(name).label for name in absent)} {ABSENT}"] if absent else []
    return [line for note in notes for line in textwrap.wrap(note, NOTE_WIDTH)]


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
