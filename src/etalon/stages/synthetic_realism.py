"""Stage synthetic_realism: how far generated spectra are from those of each real dataset, and of all together."""

import argparse
import functools
import mmap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from etalon.contracts import Metadata
from etalon.data.folds import group_specimens
from etalon.errors import NotRunError
from etalon.evaluate.realism import WINDOWS, Sample, comparable, realism, realism_of_all
from etalon.seeds import derive_seed
from etalon.stages.arguments import parser, run
from etalon.storage import load_json, load_set, map_tensors, save_table

# One row a dataset, and one for each window in which all are taken together (family "all").
COLUMNS = {
    "run": "category",
    "dataset": "category",
    "family": "category",
    "modality": "category",
    "n_real": "float64",
    "n_synthetic": "float64",
    "auc": "float64",
    "auc_sd": "float64",
    "auc_other_real": "float64",  # the same test against real sets of other families in place of synthetic ones
    "pca_distance": "float64",
    "band_ratio_distance": "float64",
    "status": "category",
}
ALL = "all"


class Generated(NamedTuple):
    """One set of a corpus."""

    wavelengths: np.ndarray
    intensities: np.ndarray
    modality: str
    representation: str


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    arguments = parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    arguments.add_argument("--data", type=Path, nargs="*", default=[], help="folders of real datasets")
    arguments.add_argument("--corpus", type=Path, nargs="+", required=True, help="shards of synthetic_corpus")
    arguments.add_argument("--seed", type=int, required=True, help="main seed")
    arguments.add_argument("--out", type=Path, required=True, help="table to write, parquet")
    return arguments.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    corpus = [generated for shard in args.corpus for generated in load_shard(shard)]
    described = [_describe(folder) for folder in args.data]
    samples = [sample for _, sample in described if sample is not None]
    rows = []
    for known, sample in tqdm(described, desc="datasets", unit="set"):
        if sample is not None:
            seed = derive_seed(args.seed, "realism", known["dataset"])
            known |= _dataset(sample, corpus, samples, functools.partial(realism, sample, seed=seed, **args.settings))
        rows.append(known)
    for window, (modality, _, _) in WINDOWS.items():
        seed = derive_seed(args.seed, "realism", window)
        measure = functools.partial(realism_of_all, samples, corpus, window, seed, **args.settings)
        rows.append({"dataset": f"{ALL}, {window}", "family": ALL, "modality": modality} | _measured(measure))
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS)).assign(run=args.run)
    save_table(args.out, table.astype(COLUMNS))


def load_shard(path: Path) -> list[Generated]:
    """Return the sets of a file written by the stage synthetic_corpus."""
    tensors = map_tensors(path, mmap.MADV_SEQUENTIAL)
    return [
        Generated(
            tensors[f"{entry['name']}.wavelengths"].values,
            tensors[f"{entry['name']}.intensities"].values,
            entry["modality"],
            entry["representation"],
        )
        for entry in load_json(path.with_suffix(".json"))["sets"]
    ]


def _describe(folder: Path) -> tuple[dict[str, Any], Sample | None]:
    """Return what is known of a dataset, with a status where it cannot be compared, else its spectra."""
    try:
        spectra = load_set(folder)
    except NotRunError as error:
        return {"dataset": folder.name, "family": "", "modality": "", "status": str(error)}, None
    metadata = spectra.metadata
    known = {"dataset": metadata.dataset_id, "family": metadata.family, "modality": metadata.modality}
    if reason := _obstacle(metadata):
        return known | {"status": str(NotRunError(reason))}, None
    sample = Sample(
        spectra.wavelengths,
        spectra.intensities,
        metadata.modality,
        metadata.representation,
        group_specimens(spectra),
        metadata.family,
    )
    return known, sample


def _obstacle(metadata: Metadata) -> str:
    if metadata.synthetic:
        return "synthetic itself"
    return "no wavelength axis" if metadata.axis_unit == "index" else ""


def _dataset(
    sample: Sample, corpus: list[Generated], samples: list[Sample], measure: Callable[..., dict[str, float]]
) -> dict[str, Any]:
    """Return the measures of one dataset against the corpus, and the AUC against other families' real sets."""
    found = _measured(functools.partial(measure, pool=corpus))
    others = [other for other in samples if other.family != sample.family and comparable(other)]
    if found["status"] == "ok":
        found["auc_other_real"] = _measured(functools.partial(measure, pool=others)).get("auc", float("nan"))
    return found


def _measured(measure: Callable[[], dict[str, float]]) -> dict[str, Any]:
    try:
        return measure() | {"status": "ok"}
    except NotRunError as error:
        return {"status": str(error)}


if __name__ == "__main__":
    run(main)
