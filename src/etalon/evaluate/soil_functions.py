"""`fs`, study 1's embedding without weights, of soil spectra on a common grid of wavenumbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from etalon.models import function_space
from etalon.preprocess.asls import asls


def fs_blocks(absorbance: np.ndarray, grid: np.ndarray, modality: str, settings: Mapping[str, Any]) -> list[np.ndarray]:
    """Return the blocks of `etalon.models.function_space.embed`, each shape (n, n_functions), unmeasured ones left out.

    Parameters
    ----------
    absorbance : shape (n, len(grid)); grid : cm-1, increasing; modality : "mir" or "nir"
    settings : of the AsLS baseline, the configuration's block `asls`
    """
    wavelengths, spectra = 1e7 / grid[::-1], np.ascontiguousarray(absorbance[:, ::-1])
    baseline = asls(spectra, wavelengths, axis_unit="nm", modality=modality, **settings)
    blocks = function_space.embed(spectra, baseline, wavelengths, modality=modality, axis_unit="nm")
    measured = np.any([block.any(axis=0) for block in blocks.values()], axis=0)
    return [block[:, measured] for block in blocks.values()]
