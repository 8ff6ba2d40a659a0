"""The preprocessings that chemists choose between, by name, as scikit-learn pipelines of chemotools' steps."""

import numpy as np
from chemotools.derivative import SavitzkyGolay
from chemotools.scatter import ExtendedMultiplicativeScatterCorrection, StandardNormalVariate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

PREPROCESSINGS = ("none", "snv", "savgol1", "snv_savgol1", "asls_snv", "emsc")
# These learn from the spectra they are fitted on; the others treat each spectrum by itself.
LEARNED = frozenset({"emsc"})
# These start from the spectra less their AsLS baseline, which is cached; the others from the spectra as measured.
ON_CORRECTED = frozenset({"asls_snv"})


def preprocessing(name: str, *, savgol_window: int, savgol_order: int) -> Pipeline:
    """Return the steps of preprocessing `name`, unfitted.

    Parameters
    ----------
    name : one of `PREPROCESSINGS`. ``asls_snv`` expects spectra already less their AsLS baseline.
    savgol_window : window of the Savitzky-Golay first derivative, channels, odd
    savgol_order : degree of its polynomial
    """
    # SNV of a flat spectrum is 0/0, and EMSC of one without the reference's shape a division by its gain of zero.
    finite = FunctionTransformer(_zero_where_undefined)
    # "interp" fits the polynomial of the edge to the edge; the default repeats the last value and bends it.
    derivative = SavitzkyGolay(window_length=savgol_window, polyorder=savgol_order, deriv=1, mode="interp")
    steps = {
        "none": [FunctionTransformer()],
        "snv": [StandardNormalVariate(), finite],
        "savgol1": [derivative],
        "snv_savgol1": [StandardNormalVariate(), finite, derivative],
        "asls_snv": [StandardNormalVariate(), finite],
        "emsc": [ExtendedMultiplicativeScatterCorrection(method="mean", order=2), finite],
    }
    if name not in steps:
        raise ValueError(f"preprocessing: expected one of {', '.join(PREPROCESSINGS)}, found {name!r}")
    return make_pipeline(*steps[name])


def _zero_where_undefined(X: np.ndarray) -> np.ndarray:
    return np.nan_to_num(X, nan=0.0, posinf=0.0, neginf=0.0)
