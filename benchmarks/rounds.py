"""How the benchmarks measure and report: interleaved rounds, the best of each, one JSON object at the end."""

import json
import os
import time
from collections.abc import Callable
from typing import Any


def best_times(calls: dict[str, Callable[[], Any]], rounds: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Call each in turn, `rounds` times over, so that a busy moment hits all alike.

    Returns the shortest time of each in seconds, and what its last call returned.
    """
    times: dict[str, float] = dict.fromkeys(calls, float("inf"))
    results: dict[str, Any] = {}
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            results[name] = call()
            times[name] = min(times[name], time.perf_counter() - started)
    return times, results


def report(benchmark: str, *, ratios: dict[str, float], figures: dict[str, Any]) -> None:
    """Print the benchmark's last line: ratios to what it is compared with, absolute figures, the machine's load."""
    machine = {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2)}
    content = {"benchmark": benchmark, "ratios": ratios, "figures": figures, "machine": machine}
    print(json.dumps(_rounded(content)))


def _rounded(content: Any) -> Any:
    """Return numbers to four digits, in whatever they lie."""
    if isinstance(content, dict):
        return {name: _rounded(value) for name, value in content.items()}
    return float(f"{content:.4g}") if isinstance(content, float) else content
