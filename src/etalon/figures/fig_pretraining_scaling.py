"""fig_pretraining_scaling: what pretraining gains on its control with more spectra, families and parameters."""

import textwrap
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from etalon.errors import BadInputError
from etalon.evaluate.compare import TASK, paired_seeds, summarise
from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, plain, run
from etalon.figures.encoder_rows import named, scores, shown
from etalon.figures.paired_panels import Cell, draw_estimate, notes, ratio_scale
from etalon.figures.style import MM

TASK_KIND = "regression"
CONTROL, TRAINED = "fsnl_random_init", "fsnl_episodic_asls"


@dataclass(frozen=True)
class Panel:
    """What is scaled: a title, the label of the axis, and by factor the trained variant and its control."""

    title: str
    label: str
    points: dict[float, tuple[str, str]]


PANELS = (
    Panel(
        "Compute",
        "Spectra seen in training",
        {
            0.25: (f"{TRAINED}_quarter_spectra", CONTROL),
            1.0: (TRAINED, CONTROL),
            4.0: (f"{TRAINED}_fourfold_spectra", CONTROL),
        },
    ),
    Panel(
        "Data",
        "Families of datasets in training",
        {
            0.25: (f"{TRAINED}_quarter_families", CONTROL),
            0.5: (f"{TRAINED}_half_families", CONTROL),
            1.0: (TRAINED, CONTROL),
        },
    ),
    Panel(
        "Parameters",
        "Width",
        {
            0.5: (f"{TRAINED}_half_width", f"{CONTROL}_half_width"),
            1.0: (TRAINED, CONTROL),
            2.0: (f"{TRAINED}_double_width", f"{CONTROL}_double_width"),
        },
    ),
)
HEADS = {"ridge": (2**-0.06, False, ":"), "evidence": (2**0.06, True, "-")}  # shift, filled marker, line
GOAL = 0.95  # of the control's error: what pretraining was asked to reach
Y_LABEL = "RMSECV / RMSECV of the\nuntrained encoder, geometric mean"
HEIGHT, LEGEND_HEIGHT, NOTE_HEIGHT, NOTE_WIDTH = 62.0, 10.0, 3.2, 150  # mm; mm; mm; characters


def names(panel: Panel) -> list[str]:
    """Return the names of the embeddings that a panel compares."""
    variants = dict.fromkeys(variant for pair in panel.points.values() for variant in pair)
    return [f"{variant}/{head}" for variant in variants for head in HEADS]


def compare_scales(ran: pd.DataFrame, panel: Panel) -> Cell:
    """Compare each point with its control, all points on the tasks, repeats and seeds that all of them have.

    Parameters
    ----------
    ran : output of `scores`, with names of embeddings as methods
    """
    own = ran[ran["method"].isin(names(panel)) & (ran["condition"] == "cv")]
    present = set(own["method"])
    own = own[own.groupby([*TASK, "repeat", "seed"])["method"].transform("nunique") == len(present)]
    pairs = {
        f"{variant}/{head}": f"{control}/{head}"
        for variant, control in panel.points.values()
        for head in HEADS
        if {f"{variant}/{head}", f"{control}/{head}"} <= present
    }
    if own.empty or not pairs:
        return Cell(pd.DataFrame(), {}, False)
    kept, extended = shown(own)
    if extended:  # they would be left out of a summary otherwise
        kept = kept.assign(synthetic=False, overlaps="")
    compared = pd.concat(
        paired_seeds(kept[kept["method"] == name], kept[kept["method"] == control], ("repeat", "seed"))
        for name, control in pairs.items()
    )
    summary = summarise(compared, "", "ratio").set_index("method")
    return Cell(summary.loc[[*pairs]], {name: np.empty(0) for name in pairs}, extended)


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw one panel for each of what is scaled; below, what did not run.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = named(plain(metrics[metrics["task"] == TASK_KIND]))
    ran = scores(rows, TASK_KIND)
    found = [compare_scales(ran, panel) for panel in PANELS]
    if not any(cell.names for cell in found):
        raise BadInputError("metrics", "variant", "a variant of another scale with its control on one task", "none")
    wanted = list(dict.fromkeys(name for panel in PANELS for name in names(panel)))
    lines = [line for note in notes(rows, wanted) for line in textwrap.wrap(note, NOTE_WIDTH)]
    heights = [HEIGHT, LEGEND_HEIGHT, 2.0 + NOTE_HEIGHT * len(lines)]
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, sum(heights) * MM), layout="constrained")
        area, legend, foot = np.asarray(figure.subfigures(3, 1, height_ratios=heights))
        axes = area.subplots(1, len(PANELS), sharey=True)
        for axis, panel, cell in zip(axes, PANELS, found, strict=True):
            _draw_panel(axis, panel, cell)
        ratio_scale(axes[0])
        axes[0].set_ylabel(Y_LABEL)
        _draw_legend(legend, any(cell.extended for cell in found))
        foot.text(0.01, 1.0, "\n".join(lines), size=6.0, va="top", linespacing=1.3)
    return figure


def _draw_panel(axis: Axes, panel: Panel, cell: Cell) -> None:
    axis.set_title(panel.title, pad=11)
    axis.grid(axis="y")
    axis.set_axisbelow(True)
    axis.set_xscale("log", base=2)
    axis.set_xticks([*panel.points])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda factor, _: rf"$\times$ {factor:g}"))
    axis.set_xlim(min(panel.points) / 1.4, max(panel.points) * 1.4)
    axis.set_xlabel(panel.label)
    axis.axhline(1.0, color=style.look(f"{CONTROL}/").colour, lw=0.8)
    axis.axhline(GOAL, color="0.2", lw=0.8, ls="--")
    look = style.look(f"{TRAINED}/")
    for head, (shift, filled, dashes) in HEADS.items():
        points = {factor: f"{variant}/{head}" for factor, (variant, _) in panel.points.items()}
        points = {factor * shift: name for factor, name in points.items() if name in cell.names}
        axis.plot([*points], [cell.spread(name)[0] for name in points.values()], dashes, color=look.colour, lw=0.8)
        for x, name in points.items():
            draw_estimate(axis, x, cell, name, look.colour, look.marker, filled)
    axis.text(0.5, 1.03, cell.size, transform=axis.transAxes, ha="center", size=5.5, color="0.35")


def _draw_legend(area: SubFigure, extended: bool) -> None:
    look = style.look(f"{TRAINED}/")
    handles = [
        *(
            Line2D(
                [],
                [],
                color=look.colour,
                marker=look.marker,
                ls=dashes,
                mfc=look.colour if filled else "white",
                label=f"{look.label}, {style.HEADS[head]}",
            )
            for head, (_, filled, dashes) in HEADS.items()
        ),
        Line2D([], [], color=style.look(f"{CONTROL}/").colour, label="untrained, of the same width and head"),
        Line2D([], [], color="0.2", ls="--", label=f"goal, {GOAL:g}"),
    ]
    title = "Bars: 95 % interval over families and seeds"
    if extended:
        title += "; synthetic or overlapping sets included, as fewer real tasks ran"
    area.legend(handles=handles, loc="upper center", ncols=len(handles), title=title)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
