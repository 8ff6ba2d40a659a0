"""fig_transfer_matrix: from each instrument to each other, without correction and after PDS.

A block is a family, a row the instrument that trains, a column the one that is tested. The upper left half of a cell
is RMSEP over that of the tested instrument's own calibration without correction, the lower right half after PDS
on randomly drawn transfer samples: geometric means over targets.
"""

import textwrap
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, run
from etalon.figures.style import MM
from etalon.figures.transfer_rows import (
    METHODS,
    RANDOM,
    UNCORRECTED,
    at_size,
    notes,
    read,
    shorten,
    tabulate,
)

CORRECTED = "pds"
MOST = 8.0
SLANTED = 8.0  # mm: what a label across reaches beyond its block
NORM = LogNorm(1 / MOST, MOST)
COLOURS = "RdBu_r"
CELL, TITLE, LETTER, GAP = 8.5, 13.0, 0.95, 3.0  # mm; of a character; between blocks
FOOT, BAR, NOTE_HEIGHT, NOTE_WIDTH = 20.0, 45.0, 3.0, 150  # mm, mm, mm, characters


@dataclass(frozen=True)
class Block:
    """A family: its title, the names of its instruments without it, and the ratios of pairs that ran.

    Attributes
    ----------
    datasets : their names; labels : these without what all share
    cells : by pair "A>B", the ratio without correction and after it
    """

    title: str
    datasets: list[str]
    labels: list[str]
    cells: dict[str, tuple[float, float]]

    @property
    def width(self) -> float:
        return CELL * len(self.datasets) + LETTER * max(map(len, self.labels)) + 3.0

    @property
    def height(self) -> float:
        return CELL * len(self.datasets) + TITLE


def blocks(rows: pd.DataFrame, table: pd.DataFrame) -> list[Block]:
    """Return the families, the largest first; a pair that did not run has no cell.

    Parameters
    ----------
    rows : output of `etalon.figures.transfer_rows.read`
    table : of `tabulate`, at one number of transfer samples
    """
    ran = table[table["method"].isin((UNCORRECTED, CORRECTED))]
    logs = ran.assign(log=np.log(ran["ratio"]))
    wide = logs.pivot_table(index="pair", columns="method", values="log", aggfunc="mean")
    means = wide.reindex(columns=[UNCORRECTED, CORRECTED]).dropna().apply(np.exp)
    found = []
    for family, own in rows.groupby("family"):
        pairs = sorted({pair for pair in own["pair"] if pair})
        datasets = sorted({name for pair in pairs for name in pair.split(">")})
        if not datasets:
            continue
        shared, labels = shorten(datasets)
        title = (shared or str(family)) + (" (synthetic)" if own["synthetic"].any() else "")
        ran_here = means[means.index.isin(pairs)]
        cells = dict(zip(ran_here.index, ran_here.itertuples(index=False, name=None), strict=True))
        found.append(Block(title, datasets, labels, cells))
    return sorted(found, key=lambda block: (-len(block.datasets), block.title))


def places(found: list[Block], width: float) -> tuple[list[tuple[float, float]], float]:
    """Return the upper left corner of each block, in mm from the upper left of the page, and the height of all.

    Blocks stand in columns: the next one below the last while it fits beside the first block of its shelf, else in a
    new column, else on a new shelf.
    """
    corners: list[tuple[float, float]] = []
    top = shelf = left = column = y = 0.0
    for block in found:
        if column and y + block.height <= top + shelf and block.width <= column:
            corners.append((left, y))
            y += block.height
            continue
        left += column + (GAP if column else 0.0)
        if left + block.width > width:
            top, left, shelf = top + shelf, 0.0, 0.0
        column, shelf = block.width, max(shelf, block.height)
        corners.append((left, top))
        y = top + block.height
    return corners, top + shelf


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw a block a family, the scale, and below them what did not run.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = read(metrics)
    rows = rows[rows["condition"] == RANDOM]
    table, size = at_size(tabulate(rows))
    found = blocks(rows, table)
    page = style.DOUBLE_COLUMN / MM
    corners, height = places(found, page - SLANTED)
    own = rows[rows["method"].isin((UNCORRECTED, CORRECTED))]
    lines = [line for note in notes(own) for line in textwrap.wrap(note, NOTE_WIDTH)]
    total = height + FOOT + NOTE_HEIGHT * len(lines)
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, total * MM))
        for block, (x, y) in zip(found, corners, strict=True):
            side = CELL * len(block.datasets)
            left, below = x + block.width - side, total - y - TITLE - side
            _draw_block(figure.add_axes((left / page, below / total, side / page, side / total)), block)
        _draw_foot(figure, page, total, height, size, lines)
    return figure


def _draw_block(axis: Axes, block: Block) -> None:
    cmap = mpl.colormaps[COLOURS]
    for row, source in enumerate(block.datasets):
        for column, target in enumerate(block.datasets):
            x, y = column - 0.5, row - 0.5
            if source == target:
                axis.add_patch(Polygon([(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)], fc="0.88", ec="none"))
                continue
            cell = block.cells.get(f"{source}>{target}")
            if cell is None:
                axis.plot(column, row, "x", ms=4.0, mew=0.6, color="0.5")
                continue
            halves = ([(x, y), (x + 1, y), (x, y + 1)], [(x + 1, y), (x + 1, y + 1), (x, y + 1)])
            for half, value, (dx, dy) in zip(halves, cell, ((0.31, 0.27), (0.67, 0.75)), strict=True):
                axis.add_patch(Polygon(half, fc=cmap(NORM(value)), ec="none"))
                dark = abs(np.log(value)) > 0.62 * np.log(MOST)
                text = f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
                colour = "white" if dark else "black"
                axis.text(x + dx, y + dy, text, size=4.8, ha="center", va="center", color=colour)
    n = len(block.datasets)
    axis.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5))
    for edge in np.arange(n + 1) - 0.5:
        axis.axhline(edge, color="white", lw=1.0)
        axis.axvline(edge, color="white", lw=1.0)
    axis.spines[:].set_visible(False)
    axis.set_yticks(range(n), block.labels, size=5.0)
    axis.xaxis.tick_top()
    axis.set_xticks(range(n), block.labels, size=5.0, rotation=20, ha="left", rotation_mode="anchor")
    axis.tick_params(length=0, pad=1.5)
    axis.text(-0.5, -0.5 - 8.6 / CELL, block.title, size=6.5, weight="bold", va="bottom")


def _draw_foot(figure: Figure, page: float, total: float, height: float, size: float, lines: list[str]) -> None:
    scale = figure.add_axes((4.0 / page, (total - height - 6.5) / total, BAR / page, 2.5 / total))
    bar = figure.colorbar(ScalarMappable(NORM, COLOURS), cax=scale, orientation="horizontal", extend="both")
    bar.set_ticks([0.125, 0.25, 0.5, 1, 2, 4, 8], labels=["1/8", "1/4", "1/2", "1", "2", "4", "8"])
    bar.minorticks_off()
    bar.set_label("RMSEP / RMSEP of the tested\ninstrument's own calibration", size=6.0)
    text = (
        f"Down: the instrument that trains; across: the one that is tested. Upper left half: no correction; lower right"
        f" half: {METHODS[CORRECTED].label} on {size:g} transfer samples, mean over random draws; geometric means over"
        " targets. 1 is a calibration of the tested instrument on all training specimens. Cross: not run."
    )
    figure.text((BAR + 14.0) / page, (total - height - 3.0) / total, textwrap.fill(text, 96), size=6.0, va="top")
    figure.text(0.01, (total - height - FOOT + 1.0) / total, "\n".join(lines), size=6.0, va="top", linespacing=1.3)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
