"""fig_phase3_lodo_boxplots: RMSEP on datasets that a calibration never saw, relative to tuned PLS, by local samples."""

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from etalon.evaluate.compare import geometric_mean, over_seeds
from etalon.figures import style
from etalon.figures.command import parse_args, run
from etalon.figures.encoder_rows import shown
from etalon.figures.lodo_rows import (
    REFERENCE,
    compare,
    read,
    reasons,
    scores,
    settings_of,
    shown_names,
)
from etalon.figures.style import MM

ROWS = ("slope_bias", "spiked")  # ways to use local samples; the first column, without any, is common to both
TITLES = {"slope_bias": "slope and bias from n local samples", "spiked": "n local samples added to the training rows"}
LIMITS = (0.2, 8.0)  # a ratio beyond is drawn at the edge
TICKS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
X_LABEL = (
    "RMSEP / RMSEP of tuned PLS with equal local samples; one point a task, box: quartiles, diamond: geometric mean"
)
ROW_HEIGHT, FRAME, NOTE_HEIGHT, NOTE_WIDTH = 3.4, 14.0, 3.2, 150  # mm a method; mm a panel; mm; characters


def draw(rows: pd.DataFrame) -> Figure:
    """Draw one panel a condition and number of local samples, one box a method; below, what did not run.

    Parameters
    ----------
    rows : output of `etalon.figures.lodo_rows.prepare`
    """
    names = [name for name in shown_names(rows) if name != REFERENCE]
    ran = scores(rows[rows["method"].isin([REFERENCE, *names])])
    found = settings_of(rows)
    sizes = sorted({n for condition, n in found if condition in ROWS})
    notes = [line for note in reasons(rows) for line in textwrap.wrap(note, NOTE_WIDTH)]
    height = len(ROWS) * (FRAME + ROW_HEIGHT * len(names))
    with mpl.rc_context(style.RC):
        foot_height = 6.0 + NOTE_HEIGHT * (len(notes) + 1)
        figure = Figure(figsize=(style.DOUBLE_COLUMN, (height + foot_height) * MM), layout="constrained")
        area, foot = np.asarray(figure.subfigures(2, 1, height_ratios=[height, foot_height]))
        axes = area.subplots(len(ROWS), 1 + len(sizes), sharex=True, sharey=True, squeeze=False)
        extended = False
        for line, condition in zip(axes, ROWS, strict=True):
            panels = [("zero_shot", 0.0), *((condition, n) for n in sizes)]
            for axis, (of, n) in zip(line, panels, strict=True):
                ratios, more = shown(over_seeds(compare(ran, names, REFERENCE, of, n)))
                extended |= more
                _draw_panel(axis, ratios, names, "n = 0 (zero-shot)" if of == "zero_shot" else f"n = {n:g}")
            line[-1].annotate(
                TITLES[condition], (1.02, 0.5), xycoords="axes fraction", rotation=270, va="center", size=6.5
            )
        area.supxlabel(X_LABEL, size=style.RC["axes.labelsize"])
        said = [_about(extended), *notes]
        foot.text(0.01, 1.0, "\n".join(said), size=6.0, va="top", linespacing=1.3)
    return figure


def _about(extended: bool) -> str:
    text = "Trained on datasets of other families that measure the same analyte in the same unit."
    return text + (" Synthetic spectra included: too few real tasks ran, this is no result." if extended else "")


def _draw_panel(axis: Axes, ratios: pd.DataFrame, names: list[str], title: str) -> None:
    axis.set_title(title, pad=10)
    axis.axvline(1.0, color="0.5", lw=0.6, zorder=0)
    axis.grid(axis="x")
    axis.set_axisbelow(True)
    for place, name in enumerate(names):
        values = ratios.loc[ratios["method"] == name, "ratio"].to_numpy(float)
        if len(values):
            _draw_box(axis, place, np.clip(values, *LIMITS), geometric_mean(values), style.look(name).colour)
    axis.set_yticks(range(len(names)), [style.look(name).label for name in names])
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.set_xscale("log")
    axis.set_xlim(*LIMITS)
    axis.xaxis.set_major_locator(FixedLocator(TICKS))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_locator(NullLocator())
    tasks = len(ratios[["dataset", "target"]].drop_duplicates())
    text = ", ".join(
        [style.count(tasks, "task"), f"{ratios['family'].nunique()} families"] if tasks else ["not run"],
    )
    axis.annotate(
        text,
        (0.5, 1),
        (0, 2),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="center",
        size=5.5,
        color="0.35",
    )


def _draw_box(axis: Axes, place: int, values: np.ndarray, mean: float, colour: str) -> None:
    # Points spread over the height of the box in the order of their values: reproducible, unlike a random jitter.
    spread = 0.5 * ((np.argsort(np.argsort(values, kind="stable")) * 0.618) % 1.0 - 0.5)
    axis.plot(values, place + spread, ".", ms=1.8, mew=0, color=colour, alpha=0.6)
    axis.boxplot(
        values,
        positions=[place],
        orientation="horizontal",
        widths=0.6,
        showfliers=False,
        whis=(5, 95),
        boxprops={"lw": 0.6},
        whiskerprops={"lw": 0.6},
        capprops={"lw": 0.6},
        medianprops={"lw": 1.2, "color": colour},
        manage_ticks=False,
    )
    axis.plot(np.clip(mean, *LIMITS), place, "D", ms=2.6, mfc="white", mec="black", mew=0.6, zorder=4)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv, several=True)
    style.save(draw(read(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
