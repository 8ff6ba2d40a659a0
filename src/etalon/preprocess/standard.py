"""The settings of the studies, for spectra that come without a configuration: a person's own.

They are the defaults of `workflow/schemas/config.schema.yaml`, which an installed package does not carry; a test holds
both equal.
"""

from typing import Any

from etalon.preprocess.chain import PREPROCESSINGS

ASLS: dict[str, Any] = {
    "lam": 1.0e5,
    "p": 0.01,
    "reference_step_nm": 2.0,
    "reference_step_cm1": 4.0,
    "max_iter": 50,
    "tol": 1.0e-3,
}
SAVGOL = {"savgol_window": 15, "savgol_order": 2}
CHOICES: dict[str, Any] = {"preprocessings": PREPROCESSINGS, "max_lv": 25, "inner_splits": 5}
# Rows on which the strengths of the evidence head are chosen.
MAX_ROWS = 300
