"""Stage attention_map: what a patch transformer attends to in the spectra of one dataset, beside known bands."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from etalon.contracts import SpectraSet
from etalon.errors import NotRunError
from etalon.evaluate.attention_bands import attention_rows
from etalon.evaluate.learned_ageing import refuse_family
from etalon.evaluate.study import run_study
from etalon.evaluate.tasks import Task
from etalon.evaluate.transfer import Row
from etalon.seeds import derive_seed
from etalon.stages.arguments import job_parser, run
from etalon.train.pair_network import untrained
from etalon.train.patch_checkpoint import load_patch_transformer

COMPUTED_BY = "etalon.evaluate.attention_bands"
RANDOM = "random_init"


def main(argv: list[str] | None = None) -> None:
    arguments = job_parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    arguments.add_argument("--variant", required=True, help="name of the pretraining")
    arguments.add_argument("--encoder", type=Path, required=True, help="checkpoint of pretrain_transfer")
    args = arguments.parse_args(argv)
    torch.set_num_threads(args.threads)
    model, about = load_patch_transformer(args.encoder)
    random = untrained(model, derive_seed(args.seed, "init", "attention", about["encoder_seed"]))

    def rows_of(spectra: SpectraSet, tasks: Sequence[Task], folds: pd.DataFrame) -> list[Row]:
        refuse_family(spectra.metadata.family, about, args.encoder)
        if spectra.metadata.axis_unit == "index":
            raise NotRunError("no wavelength axis")
        rng = np.random.default_rng(derive_seed(args.seed, "attention", spectra.metadata.dataset_id))
        shown = np.sort(rng.permutation(len(spectra))[: args.settings["max_spectra"]])
        models = {args.variant: model, RANDOM: random}
        own = {"substances": args.settings["datasets"][spectra.metadata.dataset_id]}
        rows = attention_rows(models, spectra, own, shown)
        return [row | {"seed": about["encoder_seed"], "n_train": float(len(shown))} for row in rows]

    known = {key: about[key] for key in ("encoder_seed", "heldout_families", "settings", "code")}
    run_study(args, "attention_map", COMPUTED_BY, ["stream"], rows_of, {"encoder": known})


if __name__ == "__main__":
    run(main)
