"""The processor that seconds were measured on."""

import platform
from pathlib import Path


def processor() -> str:
    """Return the name of the processor where the system tells it, else its architecture."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
