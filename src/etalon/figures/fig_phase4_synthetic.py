"""fig_phase4_synthetic: encoders trained on more and more synthetic spectra, against tuned PLS on real datasets."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from etalon.errors import BadInputError
from etalon.evaluate.compare import TASK
from etalon.figures import perturbation_panels, style
from etalon.figures.command import load_metrics, parse_args, plain, run
from etalon.figures.encoder_rows import FIXED, named, scores
from etalon.figures.paired_panels import RUN, Cell, compare, draw_estimate, notes, ratio_scale
from etalon.figures.style import MM, REFERENCE

TASK_KIND = "regression"
PLS = REFERENCE[TASK_KIND]
SHARES = ("real only", "low", "high", "synth. only")  # of synthetic spectra
# Each encoder: its title, its variants in the order of `SHARES`, and its untrained control.
ENCODERS = {
    "Perceiver": (
        (
            "masked_aug_baseline",
            "masked_aug_baseline_synthetic_low",
            "masked_aug_baseline_synthetic_high",
            "masked_aug_baseline_synthetic_only",
        ),
        "random_init",
    ),
    "Functional encoder": (
        (
            "fsnl_episodic_asls_real_only",
            "fsnl_episodic_asls",
            "fsnl_episodic_asls_synthetic_high",
            "fsnl_episodic_asls_synthetic_only",
        ),
        "fsnl_random_init",
    ),
}
HEADS = {"ridge": (-0.15, False, ":"), "evidence": (0.15, True, "--")}  # place, filled marker, line of the control
LOCAL_SAMPLES = 10
Y_LABEL = "RMSEP / RMSEP of tuned PLS, geometric mean over tasks"
HEIGHT, LEGEND_HEIGHT, NOTE_HEIGHT, NOTE_WIDTH = 105.0, 11.0, 3.2, 150  # mm; mm; mm; characters


@dataclass(frozen=True)
class Panel:
    """A way of testing: its title, and which rows that ran belong to it."""

    title: str
    choose: Callable[[pd.DataFrame], pd.DataFrame]


def _under(condition: str, samples: int | None = None) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def choose(rows: pd.DataFrame) -> pd.DataFrame:
        own = rows[rows["condition"] == condition]
        return own if samples is None else own[own["amplitude"] == samples]

    return choose


def most_disturbed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return, for every method, run and task, the geometric mean error over perturbations at their largest amplitude.

    Only perturbations that all methods with rows on a task have there take part.
    """
    disturbed = perturbation_panels.with_levels(rows[rows["condition"].isin(perturbation_panels.PANELS)])
    largest = disturbed[disturbed["level"] == disturbed.groupby(["dataset", "condition"])["level"].transform("max")]
    methods = largest.groupby(TASK)["method"].transform("nunique")
    own = largest[largest.groupby([*TASK, "condition"])["method"].transform("nunique") == methods]
    keys = [*TASK, "method", "seed", *RUN, "synthetic", "overlaps"]
    logs = own.assign(value=np.log(own["value"])).groupby(keys)["value"].mean()
    return np.exp(logs).reset_index()


PANELS = (
    Panel("Cross-validation", _under("cv")),
    Panel("Left-out dataset, zero-shot", _under("zero_shot")),
    Panel(f"Left-out dataset, {LOCAL_SAMPLES} samples", _under("spiked", LOCAL_SAMPLES)),
    Panel("Largest perturbations", most_disturbed),
)


def wanted(encoder: str) -> list[str]:
    """Return the names of the embeddings that an encoder's panels compare."""
    variants, control = ENCODERS[encoder]
    return [*(f"{variant}/{head}" for variant in (*variants, control) for head in HEADS), FIXED[TASK_KIND]]


def cells(rows: pd.DataFrame, encoder: str) -> list[Cell]:
    """Return what the panels of an encoder show.

    Parameters
    ----------
    rows : regression rows of the metrics table, with names of embeddings as methods
    """
    ran, names = scores(rows, TASK_KIND), wanted(encoder)
    own = ran[ran["method"].isin([*names, PLS])]
    return [compare(panel.choose(own), names, PLS, "ratio") for panel in PANELS]


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw one row of panels an encoder, one column a way of testing; below, what did not run.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = named(plain(metrics[metrics["task"] == TASK_KIND]))
    found = {encoder: cells(rows, encoder) for encoder in ENCODERS}
    if not any(cell.names for own in found.values() for cell in own):
        raise BadInputError("metrics", "variant", "a variant of phase 4 with tuned PLS on one task", "none")
    names = list(dict.fromkeys(name for encoder in ENCODERS for name in wanted(encoder)))
    lines = [line for note in notes(rows, [PLS, *names]) for line in textwrap.wrap(note, NOTE_WIDTH)]
    heights = [HEIGHT, LEGEND_HEIGHT, 2.0 + NOTE_HEIGHT * len(lines)]
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, sum(heights) * MM), layout="constrained")
        area, legend, foot = np.asarray(figure.subfigures(3, 1, height_ratios=heights))
        _draw_panels(area, found)
        _draw_legend(legend, any(cell.extended for own in found.values() for cell in own))
        foot.text(0.01, 1.0, "\n".join(lines), size=6.0, va="top", linespacing=1.3)
    return figure


def _draw_panels(area: SubFigure, found: dict[str, list[Cell]]) -> None:
    axes = area.subplots(len(ENCODERS), len(PANELS), sharex=True, sharey="col", squeeze=False)
    for row, (encoder, own) in zip(axes, found.items(), strict=True):
        for axis, cell in zip(row, own, strict=True):
            _draw_panel(axis, encoder, cell)
        row[0].set_ylabel(encoder)
    for axis, panel in zip(axes[0], PANELS, strict=True):
        axis.set_title(panel.title, pad=11)
        ratio_scale(axis)
    for axis in axes[-1]:
        axis.set_xlabel("Share of synthetic spectra")
    area.supylabel(Y_LABEL, size=style.RC["axes.labelsize"])


def _draw_panel(axis: Axes, encoder: str, cell: Cell) -> None:
    variants, control = ENCODERS[encoder]
    axis.grid(axis="y")
    axis.set_axisbelow(True)
    axis.set_xticks(range(len(SHARES)), [share.replace(" ", "\n") for share in SHARES])
    axis.set_xlim(-0.5, len(SHARES) - 0.5)
    axis.axhline(1.0, color=style.look(PLS).colour, lw=0.8)
    for head, (offset, filled, dashes) in HEADS.items():
        for place, variant in enumerate(variants):
            if (name := f"{variant}/{head}") in cell.names:
                look = style.look(f"{variant}/")
                draw_estimate(axis, place + offset, cell, name, look.colour, look.marker, filled)
        if (name := f"{control}/{head}") in cell.names:
            axis.axhline(cell.spread(name)[0], color=style.look(f"{control}/").colour, ls=dashes, lw=0.9)
    if (name := FIXED[TASK_KIND]) in cell.names:
        axis.axhline(cell.spread(name)[0], color=style.look("fs/").colour, lw=0.8, ls="-.")
    axis.text(0.5, 1.03, cell.size, transform=axis.transAxes, ha="center", size=5.5, color="0.35")


def _draw_legend(area: SubFigure, extended: bool) -> None:
    grey = style.look("random_init/").colour
    handles = [
        *(
            Line2D([], [], color="0.2", marker="o", ls="", mfc="0.2" if filled else "white", label=style.HEADS[head])
            for head, (_, filled, _) in HEADS.items()
        ),
        Line2D([], [], color="0.2", marker=".", ls="", ms=3, label="one seed"),
        *(
            Line2D([], [], color=grey, ls=dashes, label=f"untrained, {style.HEADS[head]}")
            for head, (_, _, dashes) in HEADS.items()
        ),
        Line2D([], [], color=style.look("fs/").colour, ls="-.", label=style.look(FIXED[TASK_KIND]).label),
        Line2D([], [], color=style.look(PLS).colour, label=style.look(PLS).label),
    ]
    title = "Bars: 95 % interval over families and seeds"
    if extended:
        title += "; synthetic or overlapping sets included, as fewer real tasks ran"
    area.legend(
        handles=handles, loc="upper center", ncols=len(handles), title=title, columnspacing=1.0, handlelength=1.7
    )


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
