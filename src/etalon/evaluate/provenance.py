"""What a reader needs to know of how a result came about."""

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from etalon.code_digest import code_digest

# It imports all that chooses, fits, predicts and disturbs.
COMPUTED_BY = "etalon.evaluate.perturbed"
PACKAGES = ("chemotools", "ikpls", "numpy", "pandas", "pybaselines", "scikit-learn", "scipy")


def describe(settings: dict[str, Any], seed: int, inputs: dict[str, Path]) -> dict[str, Any]:
    """Return settings, seed, checksums of the input files, versions and a digest of the code, as JSON content."""
    return {
        "code": code_digest(COMPUTED_BY),
        "settings": settings,
        "seed": seed,
        "inputs": {name: sha256(path) for name, path in inputs.items() if path.exists()},
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
