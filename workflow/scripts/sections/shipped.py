"""What makes a section of its tables, or a sentence where they are not shipped."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

Section = Callable[[Path], str]  # the markdown of a section, given the folder of metrics tables


def shipped(*tables: str) -> Callable[[Callable[..., str]], Section]:
    """Make a section of a function of the paths of `tables`; where one is absent the section says so."""

    def decorate(write: Callable[..., str]) -> Section:
        @cache  # the README and docs/results.md share sections
        def section(metrics: Path) -> str:
            paths = [metrics / f"{table}.parquet" for table in tables]
            absent = [f"`{path.stem}`" for path in paths if not path.exists()]
            return f"\nNot shipped yet: {', '.join(absent)}.\n\n" if absent else write(*paths)

        return section

    return decorate
