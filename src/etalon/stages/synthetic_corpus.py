"""Stage synthetic_corpus: one shard of generated sets for pretraining, with their AsLS baselines."""

import argparse
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tqdm import tqdm

from etalon.errors import BadInputError
from etalon.preprocess.asls import asls
from etalon.stages.arguments import parser, run
from etalon.storage import replacing, save_json
from etalon.synthesis.corpus import CorpusSet, corpus_set

_DESCRIPTION = ("name", "modality", "axis_unit", "representation", "mode", "components")
# Specimens that are generated together, which bounds the memory beside that of the shard itself. Part of the result in
# the last bits of baselines.
_TOGETHER = 1000


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    arguments = parser(__doc__)
    arguments.add_argument("--seed", type=int, required=True, help="main seed")
    arguments.add_argument("--shard", type=int, required=True, help="number of the shard, from 0")
    arguments.add_argument("--out", type=Path, required=True, help="tensors to write, .safetensors; .json beside it")
    return arguments.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    n_sets, shards = args.settings["n_sets"], args.settings["shards"]
    if not 0 <= args.shard < shards:
        raise BadInputError("synthetic_corpus", "--shard", f"a number below {shards}", args.shard)
    tensors: dict[str, np.ndarray] = {}
    sets = []
    for number in tqdm(range(n_sets * args.shard // shards, n_sets * (args.shard + 1) // shards), unit="set"):
        spectra, arrays = generate(args.seed, number, args.settings["n_specimens"], args.settings["asls"])
        tensors |= {f"{spectra.name}.{name}": array for name, array in arrays.items()}
        described = {name: getattr(spectra, name) for name in _DESCRIPTION}
        sets.append(described | {"shape": arrays["intensities"].shape})
    with replacing(args.out) as temporary:
        save_file(tensors, temporary)
        with temporary.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    save_json(args.out.with_suffix(".json"), {"sha256": digest, "seed": args.seed, "sets": sets})


def generate(
    seed: int, number: int, n_specimens: int, settings: Mapping[str, Any]
) -> tuple[CorpusSet, dict[str, np.ndarray]]:
    """Return what one set is, told by its last specimens, and the arrays of all of them.

    Parameters
    ----------
    settings : of `etalon.preprocess.asls.asls`
    """
    parts: dict[str, list[np.ndarray]] = {"intensities": [], "baseline": [], "concentrations": []}
    for first in range(0, n_specimens, _TOGETHER):
        part = corpus_set(seed, number, min(_TOGETHER, n_specimens - first), first=first)
        baseline = asls(
            part.intensities, part.wavelengths, axis_unit=part.axis_unit, modality=part.modality, **settings
        )
        parts["intensities"].append(part.intensities)
        parts["baseline"].append(baseline)
        parts["concentrations"].append(part.concentrations)
    arrays = {name: np.ascontiguousarray(np.concatenate(values)) for name, values in parts.items()}
    return part, arrays | {"wavelengths": part.wavelengths}


if __name__ == "__main__":
    run(main)
