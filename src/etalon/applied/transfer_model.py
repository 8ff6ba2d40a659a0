"""The model of a calibration that was carried to another instrument."""

from __future__ import annotations

import numpy as np

from etalon.applied.assess import INTERVALS, by_specimen, origin
from etalon.applied.model import Model
from etalon.applied.monitor import LEVELS, Subspace, q_limit, t2_limit
from etalon.applied.outcome import finite
from etalon.applied.transfer import PROCESS, Candidate, Comparison, Setting, carried
from etalon.chemometrics.transfer import left_out
from etalon.contracts import Target
from etalon.evaluate.uncertainty import conformal_quantile


def transfer_model(setting: Setting, found: Comparison, kept: Candidate, target: Target, seed: int) -> Model:
    """Return a model for spectra of the target instrument; distances are to the transfer samples as that saw them."""
    features, coefficients, intercept, subspace = carried(setting, kept.name)
    bridge, y = setting.bridge, setting.calibration.y
    n, k = len(setting.names), subspace.n_components
    q = _left_out_q(*setting.scans(kept.name), k)
    scores = by_specimen(found.errors_of(kept), found.specimens)
    if kept.name == PROCESS:
        choice = {"method": PROCESS, "noise": setting.process.fitted.evidence.head.noise_}
    else:
        own = {"method": kept.name, "preprocessing": setting.fitted.choice.preprocessing}
        choice = own | setting.fitted.choice.settings
    metadata = bridge.source.metadata
    about = {
        **origin(bridge.target, target),
        "method": f"transfer_{kept.name}",
        "choice": choice,
        "features": features.describe(),
        "axis_unit": metadata.axis_unit,
        "modality": metadata.modality,
        "reference_range": [y.min(), y.max()],
        "limits": setting.limits,
        "t2_limits": {level: t2_limit(n, k, level) for level in LEVELS},
        "q_limits": {level: q_limit(q, level) for level in LEVELS},
        "quantiles": {level: conformal_quantile(scores, level) for level in INTERVALS},
        "intercept": intercept,
        "statistics": {"transfer": {"rmse": kept.rmse, "rmse_of_choosing": found.honest, "n_transfer": n}},
        "seed": seed,
        "n_calibration": len(y),
        "n_specimens": len(np.unique(bridge.source.specimen)),
        "transferred_from": metadata.dataset_id,
    }
    return Model(finite(about), features, coefficients, subspace)


def _left_out_q(scans: np.ndarray, specimen: np.ndarray, n_components: int) -> np.ndarray:
    """Return Q of each scan by components of those of other specimens, shape (n,); `specimen` counts from 0."""
    q = np.empty(len(scans))
    for left in left_out(specimen.max() + 1):
        out = left[specimen]
        q[out] = Subspace.principal(scans[~out], n_components).distances(scans[out])[1]
    return q
