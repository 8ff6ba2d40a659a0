"""fig_phase3_train_test_heatmap: every training set on every test set of its group, tuned PLS beside the best encoder.

The upper left half of a cell is RMSEP over the standard deviation of the test references, zero-shot; the lower right
half the same after the mean error of the test set is removed.
"""

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure, SubFigure

from etalon.errors import BadInputError
from etalon.figures import style
from etalon.figures.command import parse_args, run
from etalon.figures.encoder_rows import MIN_TASKS
from etalon.figures.lodo_pairs import Cell, Group, best_encoder, list_groups
from etalon.figures.lodo_rows import PAIR, REFERENCE, read
from etalon.figures.style import MM

LEAST, MOST = 0.25, 4.0  # around 1, an error as large as the spread of the references
NORM = LogNorm(LEAST, MOST)
COLOURS = "RdBu_r"
SAME_FAMILY, NOT_RUN = "0.85", "white"
CELL, FRAME, FOOT = 3.6, 16.0, 17.0  # mm
LABEL = "RMSEP / SD of the test references"


def draw(rows: pd.DataFrame) -> Figure:
    """Draw one panel a group: two matrices, training sets down, test sets across.

    Parameters
    ----------
    rows : output of `etalon.figures.lodo_rows.prepare`
    """
    groups = list_groups(rows)
    if not groups:
        raise BadInputError("metrics", "condition", f"rows of {PAIR}", "none")
    real = [group for group in groups if not group.synthetic]
    demo = len(real) < MIN_TASKS
    groups = groups if demo else real
    best = best_encoder(groups)
    lines = [groups[start : start + 2] for start in range(0, len(groups), 2)]
    heights = [FRAME + CELL * max(len(group.datasets) for group in line) for line in lines]
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, (sum(heights) + FOOT) * MM), layout="constrained")
        areas = np.asarray(figure.subfigures(len(lines) + 1, 1, height_ratios=[*heights, FOOT]))
        for area, line in zip(areas, lines, strict=False):
            for part, group in zip(np.asarray(area.subfigures(1, 2)), line, strict=False):
                _draw_group(part, group, [REFERENCE, *([best[0]] if best else [])])
        _draw_foot(areas[-1], best, demo)
    return figure


def _draw_group(area: SubFigure, group: Group, methods: list[str]) -> None:
    area.suptitle(group.title + (" (synthetic)" if group.synthetic else ""), size=7.0, weight="bold")
    axes = area.subplots(1, len(methods), sharey=True, squeeze=False)[0]
    numbered = [f"{name} {number}" for number, name in enumerate(group.datasets, start=1)]
    for axis, method in zip(axes, methods, strict=True):
        _draw_matrix(axis, group, method)
        axis.set_title("\n".join(textwrap.wrap(style.look(method).label, 20)), size=6.0)
        axis.set_xticks(range(len(numbered)), [str(number + 1) for number in range(len(numbered))], size=5.0)
        axis.set_yticks(range(len(numbered)), numbered, size=5.0)
        axis.tick_params(length=0)


def _draw_matrix(axis: Axes, group: Group, method: str) -> None:
    names, cells = group.datasets, group.cells.get(method, {})
    family = {name: group.families.get(name, name) for name in names}
    corners, colours = [], []
    cmap = mpl.colormaps[COLOURS]
    for row, train in enumerate(names):
        for column, test in enumerate(names):
            x, y = column - 0.5, row - 0.5
            upper, lower = [(x, y), (x + 1, y), (x, y + 1)], [(x + 1, y), (x + 1, y + 1), (x, y + 1)]
            cell = cells.get((train, test))
            corners += [upper, lower]
            colours += _colours(cell, cmap, family[train] == family[test])
            if cell is None and family[train] != family[test]:
                axis.plot(column, row, "x", ms=2.0, mew=0.4, color="0.5")
    axis.add_collection(PolyCollection(corners, facecolors=colours, edgecolors="none"))
    axis.set_xlim(-0.5, len(names) - 0.5)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_aspect("equal")
    for edge in np.arange(len(names) + 1) - 0.5:
        axis.axhline(edge, color="white", lw=0.6)
        axis.axvline(edge, color="white", lw=0.6)
    axis.spines[:].set_visible(False)


def _colours(cell: Cell | None, cmap: mpl.colors.Colormap, same_family: bool) -> list[object]:
    if cell is None:
        return [SAME_FAMILY if same_family else NOT_RUN] * 2
    return [cmap(NORM(max(value, LEAST))) for value in cell]


def _draw_foot(area: SubFigure, best: tuple[str, float] | None, demo: bool) -> None:
    axes = area.subplots(1, 2, width_ratios=[1, 3])
    bar = area.colorbar(ScalarMappable(NORM, COLOURS), cax=axes[0], orientation="horizontal", extend="both")
    bar.set_ticks([0.25, 0.5, 1, 2, 4], labels=["0.25", "0.5", "1", "2", "4"])
    bar.minorticks_off()
    axes[0].set_box_aspect(0.08)
    bar.set_label(LABEL)
    text = (
        "Training sets down, test sets across, by their numbers. Upper left half: zero-shot; lower right half: after"
        " the mean error of the test set is removed. Below 1 (blue) a calibration beats the mean of the test"
        " references. Grey: same family, no transfer. Cross: not run (no common range, quantity or axis). A title that"
        " stands twice: other basis of the analyte (dry, as is), or other range (mid infrared)."
    )
    if best:
        text += f" {style.look(best[0]).label}: of all embeddings the best over these pairs, chosen by them."
    else:
        text += " Encoders not run: no such row in the metrics table."
    text += " Synthetic spectra: fewer than three real groups, no result." if demo else ""
    axes[1].axis("off")
    axes[1].text(0.02, 1.0, "\n".join(textwrap.wrap(text, 118)), size=5.5, va="top", transform=axes[1].transAxes)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv, several=True)
    style.save(draw(read(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
