"""The figures of a calibration's report, each with the sentence that says what it shows."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

from etalon.applied.features import ChannelFeatures
from etalon.applied.methods import REFERENCE
from etalon.applied.outcome import Outcome
from etalon.reports.forest import forest
from etalon.reports.page import figure
from etalon.reports.svg import Plot, bounds, number

MOST_SPECTRA, MOST_CHANNELS = 150, 300
LIMIT, WARNING = "0.99", "0.95"


class Drawing:
    """What the figures of one outcome share: the samples in the order of their numbers, calibration first."""

    def __init__(self, outcome: Outcome):
        self.outcome = outcome
        self.rows = np.r_[outcome.rows, outcome.test]
        self.n = len(outcome.rows)
        self.reference = outcome.y[self.rows]
        self.predicted = np.r_[outcome.chosen.predictions, outcome.test_prediction]
        self.t2, self.q = np.r_[outcome.t2, outcome.test_t2], np.r_[outcome.q, outcome.test_q]
        self.unit = f"{outcome.target.name} ({outcome.target.unit})"
        low, high = float(self.reference.min()), float(self.reference.max())
        share = (self.reference - low) / ((high - low) or 1.0)
        # The ends of the map vanish on a white or a black page.
        self.colours = [to_hex(colormaps["viridis"](0.1 + 0.75 * value)) for value in share]

    def figures(self) -> list[str]:
        """Return the figures as HTML, in the order in which they are read."""
        found = [self.agreement(), self.residuals(), self.distances(), self.components(), self.spectra(), self.map()]
        return found + ([self.coefficients()] if isinstance(self.outcome.model.features, ChannelFeatures) else [])

    def _points(self, plot: Plot, x: np.ndarray, y: np.ndarray, coloured: bool = False) -> None:
        for kind, part in (("cal", np.arange(self.n)), ("test", np.arange(self.n, len(self.rows)))):
            if len(part):
                plot.points(x[part], y[part], part.tolist(), kind, [self.colours[i] for i in part] if coloured else ())

    def agreement(self) -> str:
        o = self.outcome
        both = bounds(self.reference, self.predicted)
        cv = o.model.about["statistics"]["cross_validation"]
        said = f"{len(self.rows)} samples, R² {cv['r2']:.3f} in cross-validation, bias {number(cv['bias'])}."
        plot = Plot(
            "agreement", "Predicted against reference", said, both, both, (f"reference {self.unit}", "predicted")
        )
        ends = np.array(both)
        width = o.quantiles[0.9]
        if np.isfinite(width):
            plot.band(ends, ends - width, ends + width)
        plot.line(ends, ends, "diagonal")
        self._points(plot, self.reference, self.predicted)
        band = f" The band is the 90 % interval, ±{number(width)}." if np.isfinite(width) else ""
        return figure(
            plot.render(),
            plot.title,
            f"Each sample by a model that never saw its specimen; the line is equality.{band}",
        )

    def residuals(self) -> str:
        o = self.outcome
        error = self.predicted - self.reference
        limit = 3 * o.chosen.rmsecv
        y = bounds(error, around=(-limit, limit))
        beyond = int((np.abs(error) > limit).sum())
        said = f"{beyond} of {len(error)} samples lie beyond three times RMSECV."
        labels = (f"predicted {self.unit}", "predicted \N{MINUS SIGN} reference")
        plot = Plot("residuals", "Residuals", said, bounds(self.predicted), y, labels)
        plot.horizontal(0, "diagonal")
        for value in (-limit, limit):
            plot.horizontal(value, text="3 RMSECV" if value > 0 else "")
        self._points(plot, self.predicted, error)
        return figure(plot.render(), plot.title, said + " A slope or a funnel means that a line does not fit.")

    def distances(self) -> str:
        about = self.outcome.model.about
        t2_limits, q_limits = about["t2_limits"], about["q_limits"]
        # Over their limits: the distances themselves have units that nobody knows by heart.
        t2 = self.t2 / (t2_limits[LIMIT] or np.inf)
        q = self.q / (q_limits[LIMIT] or np.inf)
        far = int(((t2 > 1) | (q > 1)).sum())
        said = f"{far} of {len(t2)} samples lie beyond a 99 % limit."
        labels = ("T² inside the model, over its limit", "Q outside the model, over its limit")
        plot = Plot("distances", "T² and Q", said, bounds(t2, around=[0, 1]), bounds(q, around=[0, 1]), labels)
        if t2_limits[LIMIT]:
            plot.vertical(t2_limits[WARNING] / t2_limits[LIMIT], "limit95")
            plot.vertical(1, text="99 %")
        if q_limits[LIMIT]:
            plot.horizontal(q_limits[WARNING] / q_limits[LIMIT], "limit95", "95 %")
            plot.horizontal(1, text="99 %")
        self._points(plot, t2, q)
        k = self.outcome.model.subspace.n_components
        return figure(
            plot.render(), plot.title, f"{said} {k} components; left-out samples, so that limits fit new ones."
        )

    def components(self) -> str:
        curve = self.outcome.curve
        counts = np.arange(1, len(curve) + 1)
        best = int(curve.argmin()) + 1
        said = f"RMSECV falls from {number(curve[0])} with one latent variable to {number(curve.min())} with {best}."
        x = (0.5, len(curve) + 0.5)
        labels = ("latent variables of PLS", f"RMSECV ({self.outcome.target.unit})")
        plot = Plot("components", "Latent variables", said, x, bounds(curve, around=[0]), labels)
        plot.line(counts.astype(float), curve)
        plot.vertical(best, "limit95", f"{best}")
        warning = " That is the most that are tried." if best == len(curve) and best > 1 else ""
        return figure(
            plot.render(), plot.title, f"{said}{warning} Inside the calibration rows: this chooses, it judges nothing."
        )

    def _axis(self) -> tuple[np.ndarray, str, tuple[float, float]]:
        """Return the channels as the field shows them, their label and their range: MIR in falling wavenumbers."""
        metadata, axis = self.outcome.spectra.metadata, self.outcome.spectra.wavelengths
        if metadata.modality == "mir" and metadata.axis_unit == "nm":
            axis = 1e7 / axis
            return axis, "wavenumber (cm⁻¹)", (float(axis.max()), float(axis.min()))
        label = {"nm": "wavelength (nm)", "cm-1": "Raman shift (cm⁻¹)", "index": "channel"}[metadata.axis_unit]
        return axis, label, (float(axis[0]), float(axis[-1]))

    def spectra(self) -> str:
        o = self.outcome
        values = o.spectra.intensities[self.rows].astype(float)
        shown = np.unique(np.linspace(0, len(self.rows) - 1, min(MOST_SPECTRA, len(self.rows))).astype(int))
        # What is flagged is what a person wants to find.
        flagged = [i for i, row in enumerate(self.rows.tolist()) if row in o.flagged]
        shown = np.union1d(shown, np.array(flagged[:MOST_SPECTRA], dtype=int))
        channels = np.unique(np.linspace(0, values.shape[1] - 1, min(MOST_CHANNELS, values.shape[1])).astype(int))
        axis, label, ends = self._axis()
        quantity = o.spectra.metadata.representation.replace("_", " ").replace("unknown", "intensity as measured")
        said = f"{len(shown)} of {len(self.rows)} spectra as measured, from {axis.min():.5g} to {axis.max():.5g}."
        plot = Plot("spectra", "Spectra", said, ends, bounds(values[shown]), (label, quantity))
        for i in shown.tolist():
            plot.line(axis[channels], values[i, channels], "spectrum", i, self.colours[i])
        low, high = number(float(self.reference.min())), number(float(self.reference.max()))
        return figure(
            plot.render(), plot.title, f"{said} Dark violet to yellow-green: {self.unit} from {low} to {high}."
        )

    def map(self) -> str:
        o = self.outcome
        X = o.model.features.transform(o.spectra.intensities[self.rows].astype(float))
        scores = o.model.subspace.scores(X)
        scores = scores / np.where(scores.std(axis=0) > 0, scores.std(axis=0), 1.0)
        second = scores[:, 1] if scores.shape[1] > 1 else np.zeros(len(scores))
        said = "Samples that lie together have spectra alike to this calibration."
        labels = ("first component (SD)", "second component (SD)")
        plot = Plot("map", "Map of the samples", said, bounds(scores[:, 0]), bounds(second), labels)
        self._points(plot, scores[:, 0], second, coloured=True)
        return figure(
            plot.render(), plot.title, f"Scores in the features of the model, coloured by {self.unit}. {said}"
        )

    def coefficients(self) -> str:
        model = self.outcome.model
        axis, label, ends = self._axis()
        values = model.coefficients
        strongest = axis[int(np.abs(values).argmax())]
        said = f"The largest coefficient stands at {strongest:.5g}."
        plot = Plot("coefficients", "Coefficients", said, ends, bounds(values, around=[0]), (label, "coefficient"))
        plot.horizontal(0, "diagonal")
        plot.line(axis, values)
        name = model.about["features"]["preprocessing"]
        return figure(plot.render(), plot.title, f"{said} Per channel of the spectrum after preprocessing {name}.")


def methods(outcome: Outcome) -> str:
    """Return the comparison of the methods as a figure: RMSECV relative to tuned PLS, with intervals."""
    caption = "Below 1 is better than tuned PLS; 95 % intervals, bootstrap of specimens. The kept method is coloured."
    named = [(one.name, one.ratio) for one in outcome.judged if one.not_run is None]
    return forest(named, outcome.chosen.name, REFERENCE, "RMSECV relative to tuned PLS", caption)
