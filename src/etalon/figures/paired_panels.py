"""Panels of encoders against a classical reference, all on the same tasks: estimates, intervals, a dot a seed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from etalon.evaluate.compare import TASK, mean_effect, paired_seeds, summarise
from etalon.evaluate.resampling import Crossed
from etalon.figures import perturbation_panels as panels
from etalon.figures import style
from etalon.figures.encoder_rows import ABSENT, not_run, shown, stand_for

RUN = ["repeat", "draw"]  # what makes two runs one: equal folds, equal local samples
SPREAD = ["mean", "mean_low", "mean_high"]


@dataclass(frozen=True)
class Cell:
    """What one panel shows.

    Attributes
    ----------
    summary : output of `etalon.evaluate.compare.summarise`, by method
    seeds : for each method the mean effect of each of its seeds, on the tasks that all its seeds have
    extended : synthetic or overlapping sets are included, as too few real tasks ran
    """

    summary: pd.DataFrame
    seeds: dict[str, np.ndarray]
    extended: bool

    @property
    def names(self) -> list[str]:
        return list(self.summary.index)

    def spread(self, name: str) -> np.ndarray:
        """Return the mean effect of a method and the ends of its interval, NaN where there is none; shape (3,)."""
        return self.summary.loc[[name], SPREAD].to_numpy(float)[0]

    @property
    def size(self) -> str:
        """How many tasks and families all methods share; "not run" for none."""
        if not self.names:
            return "not run"
        tasks, families = (int(self.summary[name].iloc[0]) for name in ("tasks", "families"))
        return f"{style.count(tasks, 'task')}, {families} famil{'y' if families == 1 else 'ies'}"


def compare(rows: pd.DataFrame, names: Sequence[str], reference: str, effect: str) -> Cell:
    """Compare those of `names` that have rows with `reference`, on the tasks and runs that all of them have.

    Parameters
    ----------
    rows : rows of `etalon.records.METRIC_COLUMNS` that ran, of one metric, with names of embeddings as methods
    effect : "ratio" or "difference", see `etalon.evaluate.compare.summarise`
    """
    present = [name for name in names if (rows["method"] == name).any()]
    taking_part = {*present, reference}
    own = rows[rows["method"].isin(taking_part)]
    shared = own[own.groupby([*TASK, *RUN])["method"].transform("nunique") == len(taking_part)]
    if shared.empty or not present:
        return Cell(pd.DataFrame(), {}, False)
    kept, extended = shown(shared)
    if extended:  # they would be left out of a summary otherwise
        kept = kept.assign(synthetic=False, overlaps="")
    pairs = paired_seeds(kept[kept["method"].isin(present)], kept[kept["method"] == reference], RUN)
    summary = summarise(pairs, reference, effect).set_index("method")
    seeds = {name: _of_seeds(pairs[pairs["method"] == name], effect) for name in present}
    return Cell(summary.loc[present], seeds, extended)


def _of_seeds(pairs: pd.DataFrame, effect: str) -> np.ndarray:
    by_seed = Crossed.of(pairs, TASK, effect).by_seed()
    return np.array([mean_effect(own, effect) for own in by_seed if len(own)])


def draw_estimate(axis: Axes, x: float, cell: Cell, name: str, colour: str, marker: str, filled: bool) -> None:
    """Draw the mean effect of a method with its interval, and beside it a dot for each of several seeds."""
    mean, low, high = cell.spread(name)
    face = colour if filled else "white"
    if np.isfinite(low):
        axis.plot([x, x], [low, high], color=colour, lw=0.9, zorder=2)
    axis.plot(x, mean, marker, color=colour, mfc=face, mec=colour, mew=0.8, ms=4.0, zorder=4)
    dots = cell.seeds[name]
    if len(dots) > 1:
        axis.plot(np.full(len(dots), x + 0.07), dots, ".", color=colour, ms=2.2, mew=0, alpha=0.8, zorder=3)


def ratio_scale(axis: Axes) -> None:
    """Make the vertical axis logarithmic, with more ticks than one where it spans little."""
    panels.log_scale(axis)
    low, high = axis.get_ylim()
    if high < 3 * low:
        axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 1.2, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)))


def notes(rows: pd.DataFrame, wanted: Sequence[str]) -> list[str]:
    """Return the lines that say which of the rows `wanted` did not run, or never were in the table.

    Parameters
    ----------
    rows : rows of the metrics table with names of embeddings as methods, those that did not run included
    """
    missing = rows[rows["method"].isin({whole for name in wanted for whole in stand_for(name)})]
    lines = style.not_run_notes(missing)
    ran = set(rows.loc[rows["status"] == "ok", "method"])
    absent = [name for name in wanted if name not in ran and not_run(rows, name).empty]
    return [*lines, *([f"{', '.join(style.look(name).label for name in absent)} {ABSENT}"] if absent else [])]
