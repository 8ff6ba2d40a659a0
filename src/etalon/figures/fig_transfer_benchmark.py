"""fig_transfer_benchmark: methods of calibration transfer at one number of randomly drawn transfer samples.

A point is a pair of instruments in one direction and a target. Left: RMSEP over that of the target instrument's own
calibration on all training specimens, geometric mean with its interval over families; right: transfer efficiency,
median with its interval. Of the evidence head without the other instrument those on fs are shown; the others stand in
the table.
"""

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, run
from etalon.figures.style import MM
from etalon.figures.transfer_rows import (
    METHODS,
    OWN,
    RANDOM,
    at_size,
    look,
    missing,
    notes,
    order,
    read,
    summary,
    tabulate,
)

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#332288", "#999933", "#882255", "#767676")
EFFECTS = {"ratio": "mean", "eta": "median"}
HIDDEN = {name for name in METHODS if name.startswith("evidence") and not name.endswith("_fs")}
MOST_TASKS = 0.5  # of all
LEAST, MOST = -1.0, 1.3  # of efficiencies; points beyond lie on the edge
ROW, FRAME, NOTE_HEIGHT, NOTE_WIDTH = 4.6, 27.0, 3.2, 150  # mm, mm, mm, characters


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw both panels, methods down from the largest mean error, those of few tasks last; below, what did not run.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = read(metrics)
    rows = rows[(rows["condition"] == RANDOM) & ~rows["method"].isin(HIDDEN)]
    table, size = at_size(tabulate(rows))
    table = table[table["method"] != OWN]
    found = {effect: summary(table, effect) for effect in EFFECTS}
    summaries = found["ratio"][0]
    # A mean over other tasks ranks nothing: methods that ran on some stand below those that ran on most.
    summaries = summaries.assign(some=summaries["tasks"] < MOST_TASKS * summaries["tasks"].max())
    ranked = summaries.sort_values(["some", "mean"], ascending=[True, False])
    absent = [name for name in order(rows["method"]) if name not in ranked.index and name != OWN]
    names = [*ranked.index, *absent]
    lines = [line for note in notes(rows) for line in textwrap.wrap(note, NOTE_WIDTH)]
    heights = [FRAME + ROW * len(names), 2.0 + NOTE_HEIGHT * len(lines)]
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, sum(heights) * MM), layout="constrained")
        area, foot = np.asarray(figure.subfigures(2, 1, height_ratios=heights))
        axes = area.subplots(1, 2, sharey=True)
        families = sorted(table["family"].unique())
        colours = {family: COLOURS[number % len(COLOURS)] for number, family in enumerate(families)}
        for axis, (effect, (summaries, _)) in zip(axes, found.items(), strict=True):
            _draw_panel(axis, table, summaries, effect, names, colours)
        for name in absent:
            axes[0].text(0.02, names.index(name), _reason(rows, name), size=5.5, va="center", color="0.35",
                         transform=axes[0].get_yaxis_transform())  # fmt: skip
        tasks = summaries["tasks"]
        if ranked["some"].any():
            for axis in axes:
                axis.axhline((~ranked["some"]).sum() - 0.5, color="0.6", lw=0.6)
        few = {name: f" ({tasks[name]})" for name in ranked.index if tasks[name] < tasks.max()}
        axes[0].set_yticks(range(len(names)), [look(name).label + few.get(name, "") for name in names])
        axes[0].set_ylim(len(names) - 0.4, -0.6)
        axes[0].set_xlabel("RMSEP / RMSEP of the target instrument's own calibration")
        axes[1].set_xlabel("Transfer efficiency η")
        area.suptitle(
            f"{size:g} transfer samples, {tasks.max()} tasks (in brackets: on how many a method ran)", size=7.0
        )
        _draw_legend(area, colours, any(extended for _, extended in found.values()))
        foot.text(0.01, 1.0, "\n".join(lines), size=6.0, va="top", linespacing=1.3)
    return figure


def _draw_panel(
    axis: Axes, table: pd.DataFrame, summaries: pd.DataFrame, effect: str, names: list[str], colours: dict[str, str]
) -> None:
    middle = EFFECTS[effect]
    for place, name in enumerate(names):
        own = table[table["method"] == name].dropna(subset=[effect]).sort_values(effect)
        values = own[effect].to_numpy()
        values = np.clip(values, LEAST, MOST) if effect == "eta" else values
        spread = 0.28 * (np.arange(len(own)) % 5 - 2) / 2  # points of equal height would hide each other
        axis.scatter(values, place + spread, s=5, c=[colours[f] for f in own["family"]], lw=0, alpha=0.75, zorder=2)
        if name in summaries.index:
            row = summaries.loc[name]
            axis.plot([row[f"{middle}_low"], row[f"{middle}_high"]], [place, place], color="black", lw=1.2, zorder=3)
            axis.plot(row[middle], place, "D", color="black", mfc="white", ms=4.0, mew=0.9, zorder=4)
    axis.grid(axis="x")
    axis.set_axisbelow(True)
    axis.axvline(1.0, color="black", ls="--", lw=0.8, zorder=1)
    axis.tick_params(axis="y", length=0)
    if effect == "ratio":
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.xaxis.set_minor_locator(NullLocator())
    else:
        axis.axvline(0.0, color="0.5", ls=":", lw=0.8, zorder=1)
        axis.set_xlim(LEAST - 0.05, MOST + 0.05)
        axis.set_xticks(np.arange(LEAST, MOST, 0.5), ["≤ -1", *(f"{v:g}" for v in np.arange(LEAST + 0.5, MOST, 0.5))])


def _reason(rows: pd.DataFrame, name: str) -> str:
    """Return the reason that most pairs give for a method that ran on none."""
    return str(missing(rows[rows["method"] == name])["status"].value_counts().index[0])


def _draw_legend(area: mpl.figure.SubFigure, colours: dict[str, str], extended: bool) -> None:
    handles = [
        *(Line2D([], [], marker="o", ls="", ms=3, color=colour, label=family) for family, colour in colours.items()),
        Line2D([], [], marker="D", color="black", mfc="white", ms=4, label="mean or median, 95 % interval"),
    ]
    title = "Synthetic spectra: fewer than three real tasks ran, no result" if extended else None
    area.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 5), title=title)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
