"""Computed vibrations: outputs of frequency calculations in the format of Gaussian, lines broadened to spectra.

Archives of computed infrared and Raman spectra hold one output a molecule, or tables of spectra already broadened
(those are read by `delimited`). A calculation gives harmonic wavenumbers, infrared intensities and Raman activities.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.constants import Boltzmann, Planck, speed_of_light

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.assemble import assemble, scans_table
from etalon.data.axis import Grid
from etalon.errors import BadInputError

INFRARED, ACTIVITY = "IR Inten", "Raman Activ"
LINE = re.compile(rf"^\s*(Frequencies|{INFRARED}|{ACTIVITY})\s*--(?!-)(.*)$")
WAVENUMBER_K = 100.0 * Planck * speed_of_light / Boltzmann  # temperature (K) of one cm-1


def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Read a dataset from one output a molecule, in the order of their paths, as the table `spectra`.

    Infrared intensities make the spectra of an entry of modality "mir", Raman activities those of one of modality
    "raman". The named groups of `options.name_pattern`, found in the file names, are columns: the molecule's number.
    """
    options = entry.options
    grid = Grid.of(options)
    assert grid.points is not None  # the schema asks for it
    spectra = []
    for path in sorted(files):
        positions, strengths = _lines(files[path], path, entry.modality, options)
        spectra.append((Path(path).name, grid.points, broadened(grid.points, positions, strengths, options["fwhm"])))
    return assemble(entry, {"spectra": scans_table(spectra, options["name_pattern"], entry.id)})


def broadened(axis: np.ndarray, positions: np.ndarray, strengths: np.ndarray, fwhm: float) -> np.ndarray:
    """Return a spectrum, shape (n,), of Lorentzian lines whose areas are their strengths.

    Parameters
    ----------
    axis : cm-1, shape (n,); positions, strengths : of the lines, shape (k,); fwhm : full width at half maximum, cm-1
    """
    half = fwhm / 2.0
    shapes = half / np.pi / ((axis[:, None] - positions) ** 2 + half**2)
    return shapes @ strengths


def raman_intensity(positions: np.ndarray, activities: np.ndarray, laser_nm: float, temperature_k: float) -> np.ndarray:
    r"""Return Stokes intensities, up to one constant, of Raman activities.

    .. math:: I_i \propto \frac{(\nu_0 - \nu_i)^4}{\nu_i \, (1 - e^{-h c \nu_i / k T})} S_i

    As counted in power; Polavarapu 1990, J. Phys. Chem. 94, 8106. In units of that of a line at 1000 cm-1.

    Parameters
    ----------
    positions : shifts in cm-1, shape (k,); activities : shape (k,)
    """

    def factor(shift: np.ndarray) -> np.ndarray:
        return (1e7 / laser_nm - shift) ** 4 / (shift * -np.expm1(-WAVENUMBER_K * shift / temperature_k))

    return activities * factor(positions) / factor(np.array(1000.0))


def _lines(file: Path, path: str, modality: str, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return scaled positions (cm-1) and strengths of the vibrations of one output."""
    found: dict[str, list[float]] = {"Frequencies": [], INFRARED: [], ACTIVITY: []}
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if match := LINE.match(line):
            found[match[1]] += [float(value) for value in match[2].split()]
    positions = np.array(found["Frequencies"])
    wanted = ACTIVITY if modality == "raman" else INFRARED
    if not len(positions) or len(found[wanted]) != len(positions):
        expected = f"as many values of '{wanted}' as of 'Frequencies', at least one"
        raise BadInputError(path, wanted, expected, f"{len(found[wanted])} and {len(positions)}")
    if positions.min() <= 0:
        raise BadInputError(path, "Frequencies", "a minimum of the energy: real frequencies only", positions.min())
    positions, strengths = options.get("scale", 1.0) * positions, np.array(found[wanted])
    if modality == "raman":
        if "laser_nm" not in options:
            raise BadInputError(path, "options.laser_nm", "the wavelength of a laser, nm", "none")
        strengths = raman_intensity(positions, strengths, options["laser_nm"], options.get("temperature_k", 298.15))
    return positions, strengths
