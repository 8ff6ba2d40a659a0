"""fig_transfer_uncertainty: how often conformal intervals hold what they promise, and how wide they are.

Predictions of the process over both instruments, then predictions and channels of transferred spectra of the network.
Left: the share of intervals that hold the measured value against the level they were made for, a line a number of
transfer samples, a point the mean over pairs, draws and seeds, bars the smallest and largest pair. Right: the mean
width against the number of transfer samples, a line a level: of predictions over the RMSEP of the target instrument's
own calibration, of channels over their standard deviation.
"""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from etalon.errors import BadInputError
from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, run
from etalon.figures.learned_rows import TASK, read_draws
from etalon.figures.perturbation_panels import log_scale
from etalon.figures.style import MM
from etalon.figures.transfer_rows import LEARNED, OWN, PROCESS, label_sizes

NAMED = r"^(?P<kind>coverage|interval_width|spectrum_coverage|spectrum_width)_(?P<level>[\d.]+)$"
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
MARKERS = "os^vDPX"
ROW = 59.0  # mm
RELATIVE = "Mean width / RMSEP of the\ntarget instrument's own calibration"
OF_CHANNELS = "Mean width / SD of the channel"
# Method, metric of coverage, metric of width, title, what widths are relative to.
PARTS = (
    (PROCESS, "coverage", "interval_width", "Predictions, GP of both instruments", RELATIVE),
    (LEARNED, "coverage", "interval_width", "Predictions, network", RELATIVE),
    (LEARNED, "spectrum_coverage", "spectrum_width", "Channels of transferred spectra, network", OF_CHANNELS),
)


def tabulate(metrics: pd.DataFrame, name: str = LEARNED) -> tuple[pd.DataFrame, bool]:
    """Return kind, level (0 to 1), size, pair, target and value of each pair, and whether these are synthetic alone.

    Widths of predictions are relative to the RMSEP of the target instrument's own calibration.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    name : of the method
    """
    rows = read_draws(metrics)
    own = rows[(rows["name"] == OWN) & (rows["metric"] == "rmsep")].set_index(TASK)["value"].rename("own")
    rows = rows[rows["name"] == name]
    real = rows[~rows["synthetic"].astype(bool)]
    rows, synthetic = (real, False) if len(real) else (rows, True)
    parsed = rows["metric"].str.extract(NAMED)
    rows = rows.assign(kind=parsed["kind"], level=parsed["level"].astype(float) / 100).dropna(subset=["kind"])
    rows = rows.join(own, on=TASK)
    relative = rows["kind"] == "interval_width"
    rows["value"] = rows["value"].where(~relative, rows["value"] / rows["own"])
    return rows.groupby(["kind", "level", "size", *TASK])["value"].mean().reset_index(), synthetic


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw both reliability diagrams and both widths.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    found = {name: tabulate(metrics, name) for name in (PROCESS, LEARNED)}
    parts = [part for part in PARTS if (found[part[0]][0]["kind"] == part[1]).any()]
    if not parts:
        raise BadInputError("metrics", "metric", "coverage_90 and the like", "none")
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN * 0.82, ROW * len(parts) * MM), layout="constrained")
        axes = np.asarray(figure.subplots(len(parts), 2, squeeze=False))
        for (left, right), (name, kind, width, title, label) in zip(axes, parts, strict=True):
            table, _ = found[name]
            own, wide = (table[table["kind"] == what] for what in (kind, width))
            levels = sorted(own["level"].unique())
            _draw_reliability(left, own, sorted(own["size"].unique()), levels)
            left.set_title(f"{title}:\ncoverage")
            _draw_width(right, wide, levels)
            right.set_title(f"{title}:\nwidth")
            right.set_ylabel(label)
        synthetic = any(found[name][1] for name, *_ in parts)
        if synthetic:
            figure.suptitle("Synthetic spectra: no result", size=7.0)
    return figure


def _draw_reliability(axis: Axes, table: pd.DataFrame, sizes: list[float], levels: list[float]) -> None:
    axis.plot([0.0, 1.0], [0.0, 1.0], color="black", ls="--", lw=0.8, label="as promised")
    shift = min(0.009, 0.03 / len(sizes)) * (np.arange(len(sizes)) - (len(sizes) - 1) / 2)
    for number, size in enumerate(sizes):
        own = table[table["size"] == size].groupby("level")["value"].agg(["mean", "min", "max"])
        if own.empty:
            continue
        at = own.index.to_numpy() + shift[number]
        reach = np.abs(own[["min", "max"]].to_numpy().T - own["mean"].to_numpy())
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        axis.errorbar(at, own["mean"], reach, color=colour, marker=marker, elinewidth=0.7, label=f"{size:g} samples")
    axis.set_xticks(levels, [f"{100 * level:g}" for level in levels])
    axis.set_yticks(levels, [f"{100 * level:g}" for level in levels])
    axis.set_xlim(min(levels) - 0.06, 1.0)
    low = min(table["value"].min(), min(levels)) if len(table) else min(levels)
    axis.set_ylim(low - 0.04, 1.02)
    axis.set_xlabel("Level (%)")
    axis.set_ylabel("Within their interval (%)")
    axis.grid()
    axis.set_axisbelow(True)
    axis.legend(loc="lower right", fontsize=5.5)


def _draw_width(axis: Axes, table: pd.DataFrame, levels: list[float]) -> None:
    for number, level in enumerate(levels):
        own = table[table["level"] == level].groupby("size")["value"].agg(["median", "min", "max"])
        if own.empty:
            continue
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        axis.plot(own.index, own["median"], color=colour, marker=marker, label=f"{100 * level:g} %")
        axis.fill_between(own.index, own["min"], own["max"], color=colour, alpha=0.10, lw=0)
    label_sizes(axis, sorted(table["size"].unique()))
    log_scale(axis)
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * (high / low) ** 0.35)  # room for the legend
    title = "Level; line: median pair, band: all pairs"
    axis.legend(loc="upper right", ncols=len(levels), fontsize=5.5, title=title, title_fontsize=5.5, columnspacing=1.0)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
