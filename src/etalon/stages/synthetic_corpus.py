"""Stage synthetic_corpus: generated sets for pretraining, with their AsLS baselines."""

import argparse
import hashlib
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from etalon.preprocess.asls import asls
from etalon.stages.arguments import parser, run
from etalon.storage import replacing, save_json
from etalon.synthesis.corpus import corpus_set

_DESCRIPTION = ("name", "modality", "axis_unit", "representation", "mode", "components")


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    arguments = parser(__doc__)
    arguments.add_argument("--seed", type=int, required=True, help="main seed")
    arguments.add_argument("--out", type=Path, required=True, help="tensors to write, .safetensors; .json beside it")
    return arguments.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    tensors: dict[str, np.ndarray] = {}
    sets = []
    for number in range(args.settings["n_sets"]):
        spectra = corpus_set(args.seed, number, args.settings["n_specimens"])
        tensors |= {
            f"{spectra.name}.intensities": spectra.intensities,
            f"{spectra.name}.wavelengths": spectra.wavelengths,
            f"{spectra.name}.baseline": asls(
                spectra.intensities,
                spectra.wavelengths,
                axis_unit=spectra.axis_unit,
                modality=spectra.modality,
                **args.settings["asls"],
            ),
            f"{spectra.name}.concentrations": spectra.concentrations,
        }
        described = {name: getattr(spectra, name) for name in _DESCRIPTION}
        sets.append(described | {"shape": spectra.intensities.shape})
    with replacing(args.out) as temporary:
        save_file(tensors, temporary)
        digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
    save_json(args.out.with_suffix(".json"), {"sha256": digest, "seed": args.seed, "sets": sets})


if __name__ == "__main__":
    run(main)
