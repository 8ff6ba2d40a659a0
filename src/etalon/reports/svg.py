"""Plots as SVG text: drawn without JavaScript, coloured by the page, each mark tied to its sample by a number."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from matplotlib.ticker import MaxNLocator

WIDTH, HEIGHT = 480, 360
LEFT, RIGHT, TOP, BOTTOM = 78, 14, 14, 52
PADDING = 0.04  # of the range, on either side
TICKS = 5


def bounds(*values: np.ndarray, around: Sequence[float] = ()) -> tuple[float, float]:
    """Return the range of all values, and of `around`, with a margin."""
    every = np.concatenate([*(np.ravel(part) for part in values), np.asarray(around, dtype=float)])
    every = every[np.isfinite(every)]
    low, high = (float(every.min()), float(every.max())) if len(every) else (0.0, 1.0)
    margin = PADDING * (high - low) or 0.5 * abs(high) or 1.0
    return low - margin, high + margin


class Plot:
    """One pair of axes.

    Parameters
    ----------
    name : id of the plot in its page
    title, description : what it shows, and what is to be seen, for those who do not see it
    x, y : ranges; a range that falls is drawn from right to left
    """

    def __init__(
        self,
        name: str,
        title: str,
        description: str,
        x: tuple[float, float],
        y: tuple[float, float],
        labels: tuple[str, str],
        height: int = HEIGHT,
        left: int = LEFT,
    ):
        self.name, self.title, self.description = name, title, description
        self.x, self.y, self.height, self.left = x, y, height, left
        self.parts: list[str] = []
        self.interactive = False
        self._frame(labels)

    def _px(self, values: np.ndarray | float) -> np.ndarray:
        share = (np.asarray(values, dtype=float) - self.x[0]) / (self.x[1] - self.x[0])
        return self.left + share * (WIDTH - self.left - RIGHT)

    def _py(self, values: np.ndarray | float) -> np.ndarray:
        share = (np.asarray(values, dtype=float) - self.y[0]) / (self.y[1] - self.y[0])
        return self.height - BOTTOM - share * (self.height - TOP - BOTTOM)

    def _frame(self, labels: tuple[str, str]) -> None:
        bottom, right = self.height - BOTTOM, WIDTH - RIGHT
        for value, text in _ticks(*self.x):
            x = float(self._px(value))
            self.parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>')
            self.parts.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{text}</text>')
        if labels[1]:
            for value, text in _ticks(*self.y):
                y = float(self._py(value))
                self.parts.append(f'<path class="grid" d="M{self.left} {y:.1f}H{right}"/>')
                self.parts.append(
                    f'<text class="tick" x="{self.left - 6}" y="{y + 4.5:.1f}" text-anchor="end">{text}</text>'
                )
            middle = (TOP + bottom) / 2
            self.parts.append(
                f'<text class="axis" transform="translate(16 {middle:.0f}) rotate(-90)" text-anchor="middle">'
                f"{escape(labels[1])}</text>"
            )
        self.parts.append(
            f'<text class="axis" x="{(self.left + right) / 2:.0f}" y="{self.height - 8}" text-anchor="middle">'
            f"{escape(labels[0])}</text>"
        )
        self.parts.append(f'<path class="frame" d="M{self.left} {TOP}V{bottom}H{right}"/>')

    def line(
        self, x: np.ndarray, y: np.ndarray, kind: str = "line", sample: int | None = None, colour: str = ""
    ) -> None:
        """Draw a line through points; one of a sample can be pointed at."""
        pairs = zip(np.round(self._px(x), 1), np.round(self._py(y), 1), strict=True)
        path = "M" + "L".join(f"{a:g} {b:g}" for a, b in pairs)
        mark = "" if sample is None else f' data-i="{sample}"'
        self.interactive |= sample is not None
        self.parts.append(f'<path class="{kind}"{mark}{_colour("stroke", colour)} d="{path}"/>')

    def band(self, x: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        """Fill the area between two lines."""
        xs, lows, highs = self._px(x), self._py(low), self._py(high)
        there = "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(xs, lows, strict=True))
        back = "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(xs[::-1], highs[::-1], strict=True))
        self.parts.append(f'<path class="band" clip-path="url(#clip-{self.name})" d="M{there}L{back}Z"/>')

    def points(
        self, x: np.ndarray, y: np.ndarray, samples: Sequence[int], kind: str, colours: Sequence[str] = ()
    ) -> None:
        """Draw one mark a sample: a disc, or a diamond where `kind` is "test"."""
        self.interactive = True
        for number, (a, b, sample) in enumerate(zip(self._px(x), self._py(y), samples, strict=True)):
            colour = _colour("fill", colours[number] if colours else "")
            where = f'data-i="{sample}" data-x="{a:.1f}" data-y="{b:.1f}"'
            if kind == "test":
                path = f"M{a - 5:.1f} {b:.1f}L{a:.1f} {b - 5:.1f}L{a + 5:.1f} {b:.1f}L{a:.1f} {b + 5:.1f}Z"
                self.parts.append(f'<path class="point test" {where}{colour} d="{path}"/>')
            else:
                self.parts.append(f'<circle class="point {kind}" {where}{colour} cx="{a:.1f}" cy="{b:.1f}" r="4"/>')

    def horizontal(self, value: float, kind: str = "limit", text: str = "") -> None:
        y = float(self._py(value))
        self.parts.append(f'<path class="{kind}" d="M{self.left} {y:.1f}H{WIDTH - RIGHT}"/>')
        if text:
            self.parts.append(
                f'<text class="note" x="{WIDTH - RIGHT - 4}" y="{y - 5:.1f}" text-anchor="end">{escape(text)}</text>'
            )

    def vertical(self, value: float, kind: str = "limit", text: str = "") -> None:
        x = float(self._px(value))
        self.parts.append(f'<path class="{kind}" d="M{x:.1f} {TOP}V{self.height - BOTTOM}"/>')
        if text:
            self.parts.append(f'<text class="note" x="{x + 5:.1f}" y="{TOP + 12}">{escape(text)}</text>')

    def interval(self, y: float, low: float, middle: float, high: float, label: str, kind: str) -> None:
        """Draw one row of a forest plot: an interval with its middle, and its name at the left."""
        a, b, c, row = (float(v) for v in (*self._px(np.array([low, middle, high])), self._py(y)))
        self.parts.append(f'<path class="interval {kind}" d="M{a:.1f} {row:.1f}H{c:.1f}"/>')
        self.parts.append(f'<circle class="middle {kind}" cx="{b:.1f}" cy="{row:.1f}" r="5"/>')
        self.name_row(y, label)

    def name_row(self, y: float, label: str) -> None:
        row = float(self._py(y))
        self.parts.append(
            f'<text class="tick" x="{self.left - 8}" y="{row + 4.5:.1f}" text-anchor="end">{escape(label)}</text>'
        )

    def render(self) -> str:
        """Return the figure as HTML."""
        ids = f'aria-labelledby="{self.name}-title {self.name}-desc"'
        hint = " Arrow keys go from sample to sample." if self.interactive else ""
        inside = (
            f'<clipPath id="clip-{self.name}"><rect x="{self.left}" y="{TOP}" width="{WIDTH - self.left - RIGHT}" '
            f'height="{self.height - TOP - BOTTOM}"/></clipPath>'
        )
        role = (
            'class="plot interactive" role="application" tabindex="0"'
            if self.interactive
            else 'class="plot" role="img"'
        )
        return (
            f'<svg id="{self.name}" {role} {ids} viewBox="0 0 {WIDTH} {self.height}">'
            f'<title id="{self.name}-title">{escape(self.title)}</title>'
            f'<desc id="{self.name}-desc">{escape(self.description + hint)}</desc>{inside}{"".join(self.parts)}</svg>'
        )


def _colour(attribute: str, colour: str) -> str:
    return f' style="{attribute}:{colour}"' if colour else ""


def _ticks(first: float, last: float) -> list[tuple[float, str]]:
    low, high = sorted((first, last))
    values = [value for value in MaxNLocator(TICKS).tick_values(low, high) if low <= value <= high]
    return [(float(value), number(value)) for value in values]


def number(value: float) -> str:
    """Return a number for people: four digits at most, with a true minus sign."""
    text = f"{value:.4g}"
    if "e" in text:
        base, power = text.split("e")
        text = f"{base}e{int(power)}"
    return text.replace("-", "\N{MINUS SIGN}")
