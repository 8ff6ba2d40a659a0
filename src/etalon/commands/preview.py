"""A plot of imported spectra, by which a person sees what was understood."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from etalon.contracts import SpectraSet

MOST_LINES = 300
UNITS = {"nm": "wavelength (nm)", "cm-1": "Raman shift (cm$^{-1}$)", "index": "channel"}


def draw(spectra: SpectraSet, path: Path) -> None:
    """Write a PNG of at most `MOST_LINES` evenly drawn spectra, coloured by the first target where there is one."""
    metadata = spectra.metadata
    rows = np.unique(np.linspace(0, len(spectra) - 1, min(MOST_LINES, len(spectra))).astype(int))
    axis, label = spectra.wavelengths, UNITS[metadata.axis_unit]
    if metadata.modality == "mir" and metadata.axis_unit == "nm":
        axis, label = 1e7 / axis, "wavenumber (cm$^{-1}$)"
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot()
    lines = LineCollection([np.column_stack([axis, spectra.intensities[row]]) for row in rows], lw=0.6, alpha=0.7)
    known = spectra.reference[rows, 0] if metadata.targets else np.empty(0)
    if np.isfinite(known).any():
        lines.set_array(np.ma.masked_invalid(known))
        lines.set_cmap(mpl.colormaps["viridis"].with_extremes(bad="0.7"))
        target = metadata.targets[0]
        figure.colorbar(lines, ax=axes, label=f"{target.name} ({target.unit})")
    axes.add_collection(lines)
    axes.autoscale_view()
    if metadata.modality == "mir":
        axes.invert_xaxis()  # as the field shows it
    axes.set(xlabel=label, ylabel=metadata.representation.replace("_", " "))
    shown = f"{len(rows)} of {len(spectra)}" if len(rows) < len(spectra) else f"{len(spectra)}"
    axes.set_title(f"{metadata.dataset_id}: {shown} spectra", loc="left", fontsize=10)
    figure.savefig(path, format="png", dpi=150)
