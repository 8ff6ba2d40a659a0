"""Stage cross_modality: a calibration of one modality on specimens that another modality measured."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from etalon.contracts import SpectraSet
from etalon.errors import NotRunError
from etalon.evaluate.cross_modality import SPECTRA, gaps, modality_pairs, modality_rows, shift_rows
from etalon.evaluate.embed import embed_spectra_of
from etalon.evaluate.learned_ageing import refuse_family
from etalon.evaluate.study import run_study
from etalon.evaluate.tasks import Task
from etalon.evaluate.transfer import Row
from etalon.models.patch_transformer import PatchTransformer
from etalon.seeds import derive_seed
from etalon.stages.arguments import job_parser, run
from etalon.train.pair_network import untrained
from etalon.train.patch_checkpoint import load_patch_transformer

COMPUTED_BY = "etalon.evaluate.cross_modality"
BLOCK, RANDOM = "learned", "random_init"


def main(argv: list[str] | None = None) -> None:
    arguments = job_parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    arguments.add_argument("--partners", type=Path, nargs="*", default=[], help="folders of the paired datasets")
    arguments.add_argument(
        "--encoder", nargs=2, action="append", default=[], metavar=("VARIANT", "FILE"), help="checkpoint of a variant"
    )
    args = arguments.parse_args(argv)
    torch.set_num_threads(args.threads)
    opened = {variant: load_patch_transformer(Path(path)) for variant, path in args.encoder}
    models = {variant: model for variant, (model, _) in opened.items()}
    if models:
        models[RANDOM] = untrained(next(iter(models.values())), derive_seed(args.seed, "init", "cross_modality"))

    def rows_of(spectra: SpectraSet, tasks: Sequence[Task], folds: pd.DataFrame) -> list[Row]:
        for variant, path in args.encoder:
            refuse_family(spectra.metadata.family, opened[variant][1], path)
        pairs, missing = modality_pairs(spectra, args.partners)
        rows = gaps(missing, [SPECTRA, *models]) + shift_rows(spectra, args.partners)
        for pair in pairs:
            embeddings = {variant: _embed(model, pair.target) for variant, model in models.items()}
            rows += modality_rows(pair, tasks, folds, embeddings, args.settings, args.seed)
        return rows

    known = {variant: about["settings"] for variant, (_, about) in opened.items()}
    run_study(args, "cross_modality", COMPUTED_BY, ["none"], rows_of, {"encoders": known})


def _embed(model: PatchTransformer, spectra: SpectraSet) -> np.ndarray:
    """Return what an encoder makes of a set, shape (n, size)."""
    if spectra.metadata.axis_unit == "index":
        raise NotRunError("no wavelength axis")
    zero = np.zeros_like(spectra.intensities)  # the patch transformer reads no baseline
    found = embed_spectra_of(model, spectra.metadata, spectra.intensities, spectra.wavelengths, zero)
    return found[BLOCK].astype(np.float64)


if __name__ == "__main__":
    run(main)
