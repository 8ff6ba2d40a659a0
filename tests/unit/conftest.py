"""Datasets for the tests of methods, and the command `etalon`."""

import functools
import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from etalon.catalogue import load_catalogue
from etalon.cli import main
from etalon.contracts import SpectraSet
from etalon.data.fetch import locate


@pytest.fixture(scope="session")
def mirrored(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], SpectraSet]:
    """Return a function that reads a dataset of the catalogue from the mirror."""
    catalogue = load_catalogue()

    @functools.cache
    def read(dataset: str) -> SpectraSet:
        entry = catalogue[dataset]
        reader = importlib.import_module(f"etalon.data.readers.{entry.reader}")
        return reader.read(entry, locate(entry, tmp_path_factory.getbasetemp() / "raw", mirror), seed=0)

    return read


@pytest.fixture
def etalon(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs the command `etalon`; it returns exit status, standard output and standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        return left.value.code or 0, *capsys.readouterr()

    return run
