"""What one file of an instrument holds: some spectra on one axis, and what the file says of them."""

from dataclasses import dataclass, field

import numpy as np

from etalon.errors import BadInputError

MIN_CHANNELS = 3


@dataclass(frozen=True)
class Scans:
    """Spectra of one file.

    Attributes
    ----------
    axis : float64, shape (n_channels,), strictly rising or strictly falling
    unit : "nm" or "cm-1"; None where the file does not say
    intensities : float64, shape (n_scans, n_channels), finite
    representation : as in `etalon.contracts.Metadata`; "unknown" where the file does not say
    modality : "raman" where the file says so, else None
    names : of the scans, where the file names them; else empty
    columns : what else the file holds of every scan, each of shape (n_scans,): numbers or texts
    """

    axis: np.ndarray
    unit: str | None
    intensities: np.ndarray
    representation: str = "unknown"
    modality: str | None = None
    names: tuple[str, ...] = ()
    columns: dict[str, np.ndarray] = field(default_factory=dict)


def checked(path: object, scans: Scans) -> Scans:
    """Return `scans` in their types; raises BadInputError where they are no spectra."""
    axis = np.ascontiguousarray(scans.axis, dtype=np.float64)
    intensities = np.atleast_2d(np.ascontiguousarray(scans.intensities, dtype=np.float64))
    if axis.ndim != 1 or intensities.ndim != 2 or intensities.shape[1] != len(axis):
        found = f"{' x '.join(map(str, intensities.shape))} values on {' x '.join(map(str, axis.shape))} channels"
        raise BadInputError(path, "spectrum", "as many intensities as channels", found)
    if len(axis) < MIN_CHANNELS or not len(intensities):
        found = f"{len(intensities)} spectra of {len(axis)}"
        raise BadInputError(path, "spectrum", f"a spectrum of at least {MIN_CHANNELS} channels", found)
    if not np.isfinite(axis).all():
        raise BadInputError(path, "axis", "finite numbers", axis[~np.isfinite(axis)][0])
    steps = np.diff(axis)
    if not ((steps > 0).all() or (steps < 0).all()):
        wrong = int(np.argmax(steps * np.sign(np.median(steps)) <= 0))
        found = f"{axis[wrong + 1]:.10g} after {axis[wrong]:.10g}"
        raise BadInputError(path, "axis", "channels that only rise or only fall", found)
    if (bad := ~np.isfinite(intensities)).any():
        row, channel = np.argwhere(bad)[0]
        found = f"{intensities[row, channel]} at {axis[channel]:.10g}"
        raise BadInputError(path, "spectrum", "finite intensities", found)
    return Scans(axis, scans.unit, intensities, scans.representation, scans.modality, scans.names, scans.columns)
