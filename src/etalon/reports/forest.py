"""Methods compared: the error of each relative to one of them, with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from etalon.reports.page import figure
from etalon.reports.svg import Plot, bounds

ROW = 34
LEFT = 152
Ratio = tuple[float, float, float]


def forest(named: Sequence[tuple[str, Ratio]], kept: str, base: str, label: str, caption: str) -> str:
    """Return the comparison as a figure.

    Parameters
    ----------
    named : the methods from top to bottom, each with its ratio and the ends of the interval; those without are left out
    kept : the one that is coloured
    base : the one whose ratio is 1, which needs no words
    label : of the axis
    """
    shown = [(name, ratio) for name, ratio in named if np.isfinite(ratio[0])]
    height = 2 * ROW + ROW * len(shown)
    ends = bounds(np.array([ratio for _, ratio in shown]).reshape(-1, 3), around=[1])
    said = "; ".join(f"{name} {r:.2f} ({low:.2f} to {high:.2f})" for name, (r, low, high) in shown if name != base)
    plot = Plot(
        "methods",
        "Methods compared",
        said or f"{base} alone.",
        ends,
        (0.3, len(shown) + 0.7),
        (label, ""),
        height,
        LEFT,
    )
    plot.vertical(1.0, "diagonal")
    for place, (name, (ratio, low, high)) in enumerate(reversed(shown), 1):
        plot.interval(place, low, ratio, high, name, "kept" if name == kept else "other")
    return figure(plot.render(), plot.title, caption)
