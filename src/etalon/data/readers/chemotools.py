"""Measured spectra that are installed with the package chemotools; nothing is downloaded."""

from pathlib import Path

import numpy as np
import pandas as pd
from chemotools.datasets import load_coffee, load_fermentation_test, load_fermentation_train

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.assemble import Tables, assemble, named_columns

LOADERS = {
    "coffee": load_coffee,
    "fermentation_train": load_fermentation_train,
    "fermentation_test": load_fermentation_test,
}
# "The spectra are collected every 1.25 minutes" (documentation of chemotools, page Datasets).
ONLINE_INTERVAL_H = 1.25 / 60


def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Read the set `options.name` (coffee, fermentation_train or fermentation_test): tables `spectra`, `samples`."""
    spectra, samples = LOADERS[entry.options["name"]](set_output="pandas")
    if "time" in samples:
        samples = _at_spectra(samples, len(spectra))
    tables: Tables = {"spectra": named_columns(spectra), "samples": named_columns(samples)}
    return assemble(entry, tables)


def _at_spectra(samples: pd.DataFrame, n_spectra: int) -> pd.DataFrame:
    """Return one row a spectrum: the laboratory values at the spectrum nearest in time to each sampling (h)."""
    rows = np.round(samples["time"].to_numpy() / ONLINE_INTERVAL_H).astype(int)
    return samples.set_index(rows).reindex(range(n_spectra))
