"""Stage learned_ageing: spectra of an ageing instrument, corrected by a network fine-tuned on a few standards."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch

from etalon.contracts import SpectraSet
from etalon.evaluate.ageing_experiment import ageing_rows
from etalon.evaluate.learned_ageing import learned, refuse_family
from etalon.evaluate.study import run_study
from etalon.evaluate.tasks import Task
from etalon.evaluate.transfer import Row
from etalon.stages.arguments import job_parser, run
from etalon.train.patch_checkpoint import load_patch_transformer

COMPUTED_BY = "etalon.evaluate.learned_ageing"


def main(argv: list[str] | None = None) -> None:
    arguments = job_parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    arguments.add_argument("--encoder", type=Path, required=True, help="checkpoint of pretrain_transfer")
    args = arguments.parse_args(argv)
    torch.set_num_threads(args.threads)
    start, about = load_patch_transformer(args.encoder)
    encoder_seed = about["encoder_seed"]

    def rows_of(spectra: SpectraSet, tasks: Sequence[Task], folds: pd.DataFrame) -> list[Row]:
        refuse_family(spectra.metadata.family, about, args.encoder)
        methods = learned(spectra, start, args.settings["methods"], args.seed, encoder_seed)
        rows = ageing_rows(spectra, tasks, folds, args.settings, methods, args.seed, fixed=False)
        return [row | {"seed": encoder_seed} for row in rows]

    known = {key: about[key] for key in ("encoder_seed", "heldout_families", "settings", "code")}
    run_study(args, "learned_ageing", COMPUTED_BY, args.settings["methods"], rows_of, {"encoder": known})


if __name__ == "__main__":
    run(main)
