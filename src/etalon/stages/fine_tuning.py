"""Stage fine_tuning: predictions of encoders that were trained further on the training rows of each fold."""

from importlib.metadata import version
from pathlib import Path

import pandas as pd
import torch

from etalon.contracts import SpectraSet
from etalon.evaluate.embed import describe_encoder, open_encoder, refuse_seen
from etalon.evaluate.embedding_experiment import EmbeddingJob, SetOutcome, run_embedding_experiment
from etalon.evaluate.fine_tuning import METHODS, fine_tune_set
from etalon.evaluate.tasks import Task
from etalon.stages.arguments import run
from etalon.stages.embedding_arguments import add_encoder, experiment_parser

COMPUTED_BY = "etalon.evaluate.fine_tuning"


def main(argv: list[str] | None = None) -> None:
    arguments = experiment_parser(__doc__)
    add_encoder(arguments)
    args = vars(arguments.parse_args(argv))
    name, checkpoint = args.pop("encoder"), args.pop("checkpoint")
    job = EmbeddingJob(**args)
    torch.set_num_threads(job.threads)
    encoder, training = open_encoder(checkpoint, name)
    seeds = {"seed": job.seed, "encoder_seed": job.encoder_seed}

    def compute(folder: Path, spectra: SpectraSet, tasks: list[Task], folds: pd.DataFrame) -> SetOutcome:
        refuse_seen(checkpoint, training, spectra.metadata, spectra.intensities)
        return fine_tune_set(encoder, spectra, tasks, folds, job.settings, **seeds)

    about = describe_encoder(COMPUTED_BY, checkpoint, name, {}) | {"computed_by": COMPUTED_BY}
    about["packages"] |= {"peft": version("peft")}
    heads = {"regression": [METHODS[method] for method in job.settings["methods"]]}
    run_embedding_experiment("fine_tuning", heads, job, about, compute)


if __name__ == "__main__":
    run(main)
