"""fig_phase5_metadata: encoders told of a measurement or not, tested with, without, missing and wrong metadata."""

import textwrap
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from etalon.errors import BadInputError
from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, plain, run
from etalon.figures.encoder_rows import FIXED, named, scores
from etalon.figures.paired_panels import Cell, compare, draw_estimate, notes, ratio_scale
from etalon.figures.style import MM, REFERENCE

MODES = ("none", "on", "on, dropout")
# Each encoder: its title, its variants in the order of `MODES`, and its untrained control.
ENCODERS = {
    "Perceiver": (
        ("masked_aug_baseline", "masked_aug_baseline_metadata", "masked_aug_baseline_metadata_dropout"),
        "random_init",
    ),
    "Functional encoder": (
        ("fsnl_episodic_asls", "fsnl_episodic_asls_metadata", "fsnl_episodic_asls_metadata_dropout"),
        "fsnl_random_init",
    ),
}
HEADS = {"regression": ("ridge", "evidence"), "classification": ("logistic",)}
EFFECT = {"regression": "ratio", "classification": "difference"}
Y_LABEL = {
    "ratio": "RMSECV / RMSECV of tuned PLS",
    "difference": "Gain in balanced accuracy\nover tuned PLS-DA",
}


@dataclass(frozen=True)
class Condition:
    """How a head was fitted and tested: its place beside the tick, its marker, and whether that is filled."""

    label: str
    offset: float
    marker: str
    filled: bool


CONDITIONS = {
    "cv": Condition("with metadata", -0.24, "o", True),
    "metadata_never": Condition("without, in training of the head and at the test", -0.08, "o", False),
    "metadata_missing": Condition("head fitted with, missing at the test", 0.08, "v", False),
    "metadata_wrong": Condition("head fitted with, wrong at the test", 0.24, "X", True),
}
HEIGHT, LEGEND_HEIGHT, NOTE_HEIGHT, NOTE_WIDTH = 105.0, 15.0, 3.2, 150  # mm; mm; mm; characters


def wanted(encoder: str, head: str, task: str) -> list[str]:
    """Return the names of the embeddings that a panel compares."""
    variants, control = ENCODERS[encoder]
    return [*(f"{variant}/{head}" for variant in (*variants, control)), FIXED[task]]


def under(name: str, condition: str) -> str:
    """Return what an embedding tested under a condition is called here."""
    return name if condition == "cv" else f"{name}|{condition}"


def cells(rows: pd.DataFrame, encoder: str) -> dict[str, Cell]:
    """Return what the panels of an encoder show, by head.

    Parameters
    ----------
    rows : rows of the metrics table, with names of embeddings as methods
    """
    found = {}
    for task, heads in HEADS.items():
        ran = scores(rows, task)
        ran = ran[ran["condition"].isin(CONDITIONS)]
        ran = ran.assign(method=[under(*pair) for pair in zip(ran["method"], ran["condition"], strict=True)])
        for head in heads:
            names = [under(name, condition) for name in wanted(encoder, head, task) for condition in CONDITIONS]
            found[head] = compare(ran, names, REFERENCE[task], EFFECT[task])
    return found


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw one row of panels an encoder, one column a head; below, what did not run.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = named(plain(metrics))
    found = {encoder: cells(rows, encoder) for encoder in ENCODERS}
    shown = [cell for own in found.values() for cell in own.values()]
    if not any(cell.names for cell in shown):
        raise BadInputError("metrics", "variant", "a variant of phase 5 with tuned PLS on one task", "none")
    lines = [line for note in _notes(rows) for line in textwrap.wrap(note, NOTE_WIDTH)]
    heights = [HEIGHT, LEGEND_HEIGHT, 2.0 + NOTE_HEIGHT * len(lines)]
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, sum(heights) * MM), layout="constrained")
        area, legend, foot = np.asarray(figure.subfigures(3, 1, height_ratios=heights))
        _draw_panels(area, found)
        _draw_legend(legend, any(cell.extended for cell in shown))
        foot.text(0.01, 1.0, "\n".join(lines), size=6.0, va="top", linespacing=1.3)
    return figure


def _notes(rows: pd.DataFrame) -> list[str]:
    lines = []
    for task, heads in HEADS.items():
        names = [name for encoder in ENCODERS for head in heads for name in wanted(encoder, head, task)]
        lines += notes(rows[rows["task"] == task], [REFERENCE[task], *dict.fromkeys(names)])
    return lines


def _draw_panels(area: SubFigure, found: dict[str, dict[str, Cell]]) -> None:
    columns = [(task, head) for task, heads in HEADS.items() for head in heads]
    axes = area.subplots(len(ENCODERS), len(columns), sharex=True, sharey="col", squeeze=False)
    for row, (encoder, own) in zip(axes, found.items(), strict=True):
        for axis, (task, head) in zip(row, columns, strict=True):
            _draw_panel(axis, encoder, head, task, own[head])
            axis.set_ylabel(Y_LABEL[EFFECT[task]])
        row[0].text(-0.32, 0.5, encoder, transform=row[0].transAxes, rotation=90, va="center", weight="bold")
    for axis, (task, head) in zip(axes[0], columns, strict=True):
        axis.set_title(style.HEADS[head].capitalize(), pad=11)
        if EFFECT[task] == "ratio":
            ratio_scale(axis)
    for axis in axes[-1]:
        axis.set_xlabel("Metadata in pretraining")


def _draw_panel(axis: Axes, encoder: str, head: str, task: str, cell: Cell) -> None:
    variants, control = ENCODERS[encoder]
    axis.grid(axis="y")
    axis.set_axisbelow(True)
    axis.set_xticks(range(len(MODES)), MODES)
    axis.set_xlim(-0.5, len(MODES) - 0.5)
    axis.axhline(1.0 if EFFECT[task] == "ratio" else 0.0, color=style.look(REFERENCE[task]).colour, lw=0.8)
    for place, variant in enumerate(variants):
        look = style.look(f"{variant}/")
        for condition, how in CONDITIONS.items():
            if (name := under(f"{variant}/{head}", condition)) in cell.names:
                # An encoder without metadata is the same under every condition.
                offset = 0.0 if place == 0 else how.offset
                draw_estimate(axis, place + offset, cell, name, look.colour, how.marker, how.filled)
    for name, dashes in ((f"{control}/{head}", "--"), (FIXED[task], "-.")):
        if name in cell.names:
            axis.axhline(cell.spread(name)[0], color=style.look(name).colour, ls=dashes, lw=0.9)
    axis.text(0.5, 1.03, cell.size, transform=axis.transAxes, ha="center", size=5.5, color="0.35")


def _draw_legend(area: SubFigure, extended: bool) -> None:
    handles = [
        Line2D([], [], color="0.2", marker=how.marker, ls="", mfc="0.2" if how.filled else "white", label=how.label)
        for how in CONDITIONS.values()
    ]
    lines = (
        ("random_init/", "--", "untrained"),
        ("fs/", "-.", "fs"),
        (REFERENCE["regression"], "-", "Tuned PLS (PLS-DA)"),
    )
    handles += [Line2D([], [], color=style.look(name).colour, ls=dashes, label=label) for name, dashes, label in lines]
    handles.append(Line2D([], [], color="0.2", marker=".", ls="", ms=3, label="one seed"))
    title = "Bars: 95 % interval over families and seeds"
    if extended:
        title += "; synthetic or overlapping sets included, as fewer real tasks ran"
    area.legend(handles=handles, loc="upper center", ncols=4, title=title, columnspacing=1.0, handlelength=1.7)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
