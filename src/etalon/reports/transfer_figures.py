"""The figures of the report of a calibration that was carried to another instrument."""

from __future__ import annotations

import numpy as np

from etalon.applied.bridge import Bridge
from etalon.applied.transfer import NONE, Candidate, Comparison, Setting
from etalon.contracts import Target
from etalon.reports.forest import forest
from etalon.reports.page import figure
from etalon.reports.svg import Plot, bounds, number

MOST_SPECTRA, MOST_CHANNELS = 60, 300


class Drawing:
    """What the figures share: the scans of the transfer samples on the second instrument, each by its number.

    Attributes
    ----------
    reference, before, after : of the scans, shape (n_scans,): laboratory value, and predictions by the calibration as
        it is and by the model's method, both of left-out specimens
    """

    def __init__(
        self, bridge: Bridge, found: Comparison, kept: Candidate, best: Candidate, setting: Setting, target: Target
    ):
        self.bridge, self.found, self.kept, self.best, self.setting = bridge, found, kept, best, setting
        self.unit = f"{target.name} ({target.unit})"
        self.reference = bridge.y_shared[np.searchsorted(bridge.shared, found.specimens)]
        self.uncorrected = next(one for one in found.candidates if one.name == NONE)
        self.before = self.reference + self.uncorrected.errors
        self.after = self.reference + kept.errors
        self.number = np.arange(len(self.reference))
        #: of each transfer sample, the number of its first scan
        self.first = [int(np.flatnonzero(found.specimens == name)[0]) for name in bridge.shared]

    def figures(self) -> list[str]:
        """Return the figures as HTML, in the order in which they are read."""
        return [self.agreement(), self.residuals(), self.spectra(), self.difference()]

    def _pair(self, plot: Plot, x: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
        plot.points(x, before, self.number.tolist(), "test")
        if self.kept.name != NONE:
            plot.points(x, after, self.number.tolist(), "cal")

    def agreement(self) -> str:
        both = bounds(self.reference, self.before, self.after)
        said = f"{len(self.reference)} scans: RMSE {number(self.uncorrected.rmse)} as it is"
        said += "." if self.kept.name == NONE else f", {number(self.kept.rmse)} by {self.kept.name}."
        labels = (f"reference {self.unit}", "predicted")
        plot = Plot("agreement", "Predicted against reference", said, both, both, labels)
        plot.line(np.array(both), np.array(both), "diagonal")
        self._pair(plot, self.reference, self.before, self.after)
        return figure(
            plot.render(), plot.title, f"{said} Every scan by models that saw neither of its specimen's spectra."
        )

    def residuals(self) -> str:
        limit = 3 * self.kept.rmse
        before, after = self.before - self.reference, self.after - self.reference
        beyond = int((np.abs(after) > limit).sum())
        said = f"{beyond} of {len(after)} scans are more than three RMSE off by {self.kept.name}."
        labels = (f"reference {self.unit}", "predicted \N{MINUS SIGN} reference")
        ends = bounds(before, after, around=(-limit, limit))
        plot = Plot("residuals", "Errors", said, bounds(self.reference), ends, labels)
        plot.horizontal(0, "diagonal")
        for value in (-limit, limit):
            plot.horizontal(value, text="3 RMSE" if value > 0 else "")
        self._pair(plot, self.reference, before, after)
        return figure(plot.render(), plot.title, f"{said} Specimens that are far off were perhaps mixed up.")

    def _axis(self) -> tuple[np.ndarray, str, tuple[float, float], np.ndarray]:
        """Return the channels as the field shows them, their label, their range, and which are drawn."""
        metadata, axis = self.bridge.source.metadata, self.bridge.grid.wavelengths
        drawn = np.unique(np.linspace(0, len(axis) - 1, min(MOST_CHANNELS, len(axis))).astype(int))
        if metadata.modality == "mir" and metadata.axis_unit == "nm":
            axis = 1e7 / axis
            return axis, "wavenumber (cm⁻¹)", (float(axis.max()), float(axis.min())), drawn
        label = {"nm": "wavelength (nm)", "cm-1": "Raman shift (cm⁻¹)", "index": "channel"}[metadata.axis_unit]
        return axis, label, (float(axis[0]), float(axis[-1])), drawn

    def _means(self, values: np.ndarray, on_target: bool) -> np.ndarray:
        """Return the mean spectrum of each transfer sample on one instrument, shape (n_shared, n_channels)."""
        rows = (self.bridge.rows_of(np.array([name]), on_target) for name in self.bridge.shared)
        return np.array([values[row].mean(axis=0) for row in rows])

    def _shown(self) -> list[int]:
        n = len(self.bridge.shared)
        return np.unique(np.linspace(0, n - 1, min(MOST_SPECTRA, n)).astype(int)).tolist()

    def spectra(self) -> str:
        axis, label, ends, drawn = self._axis()
        own, other = (self._means(self.bridge.values, on) for on in (False, True))
        names = [one.metadata.dataset_id for one in (self.bridge.source, self.bridge.target)]
        shown = self._shown()
        said = f"{len(shown)} of {len(own)} transfer samples on {names[0]} and on {names[1]}, means of their scans."
        quantity = self.bridge.source.metadata.representation.replace("_", " ").replace("unknown", "as measured")
        plot = Plot("spectra", "Spectra", said, ends, bounds(own[shown], other[shown]), (label, quantity))
        for k in shown:
            plot.line(axis[drawn], own[k, drawn], "spectrum", self.first[k])
            plot.line(axis[drawn], other[k, drawn], "spectrum second", self.first[k])
        return figure(plot.render(), plot.title, f"{said} Blue the first instrument, orange the second.")

    def difference(self) -> str:
        """Return what parts the instruments, before and after the standardisation whose spectra are written."""
        axis, label, ends, drawn = self._axis()
        bridge = self.bridge
        own, other = (self._means(bridge.values, on) for on in (False, True))
        rows = np.arange(len(bridge.source), len(bridge.values))
        moved = bridge.values.copy()
        moved[rows] = self.setting.standardise(self.best.name, rows)
        before, after = other - own, self._means(moved, True) - own
        sizes = [float(np.sqrt((part**2).mean())) for part in (before, after)]
        said = (
            f"Second less first instrument: root mean square {number(sizes[0])} as measured, {number(sizes[1])} after "
            f"{self.best.name}."
        )
        shown = self._shown()
        both = bounds(before[shown], after[shown])
        plot = Plot("difference", "Difference of the instruments", said, ends, both, (label, "difference"))
        plot.horizontal(0, "diagonal")
        for k in shown:
            plot.line(axis[drawn], before[k, drawn], "spectrum second", self.first[k])
            plot.line(axis[drawn], after[k, drawn], "spectrum", self.first[k])
        return figure(
            plot.render(), plot.title, f"{said} Orange before, blue after; of the very samples it was fitted to."
        )


def methods(found: Comparison, kept: Candidate) -> str:
    """Return the comparison of the methods as a figure: errors relative to the uncorrected calibration."""
    ran = sorted((one for one in found.candidates if one.not_run is None), key=lambda one: one.rmse)
    caption = "Below 1 is better than no correction; 95 % intervals, bootstrap of specimens. The model's is coloured."
    return forest([(one.name, one.ratio) for one in ran], kept.name, NONE, "RMSE relative to no correction", caption)
