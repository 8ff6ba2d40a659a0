"""How commands answer: progress on standard error, results on standard output, as JSON where asked for."""

import json
import sys
from collections.abc import Iterable
from typing import Any

import typer


def print_json(content: Any) -> None:
    """Print `content`; NaN, which JSON does not know, has to be None by then."""
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


def progress(steps: Iterable, what: str, unit: str, total: int | None = None) -> Iterable:
    """Return `steps`, with a bar on standard error where a person looks at it."""
    from tqdm import tqdm

    return tqdm(steps, desc=what, unit=unit, total=total, disable=not sys.stderr.isatty(), leave=False)
