"""Stage embedding_metadata: heads on embeddings with the metadata of a dataset, without, missing at the test, wrong."""

from pathlib import Path

import pandas as pd
import torch

from etalon.contracts import SpectraSet
from etalon.evaluate.embed import describe_encoder, open_encoder, refuse_seen
from etalon.evaluate.embedding_experiment import EmbeddingJob, SetOutcome, run_embedding_experiment
from etalon.evaluate.embedding_heads import applicable, by_kind
from etalon.evaluate.embedding_metadata import embed_told, run_conditions
from etalon.evaluate.tasks import Task
from etalon.stages.arguments import run
from etalon.stages.embedding_arguments import add_encoder, experiment_parser
from etalon.storage import load_baseline

COMPUTED_BY = "etalon.evaluate.embedding_metadata"


def main(argv: list[str] | None = None) -> None:
    arguments = experiment_parser(__doc__)
    add_encoder(arguments)
    args = vars(arguments.parse_args(argv))
    name, checkpoint = args.pop("encoder"), args.pop("checkpoint")
    job = EmbeddingJob(**args)
    torch.set_num_threads(job.threads)
    encoder, training = open_encoder(checkpoint, name)
    heads = applicable(job.settings["heads"], encoder.blocks, None)

    def compute(folder: Path, spectra: SpectraSet, tasks: list[Task], folds: pd.DataFrame) -> SetOutcome:
        refuse_seen(checkpoint, training, spectra.metadata, spectra.intensities)
        told = embed_told(encoder, spectra, load_baseline(folder, spectra), job.seed)
        return run_conditions(told, tasks, folds, heads, job.settings, job.seed)

    about = describe_encoder(COMPUTED_BY, checkpoint, name, {}) | {"computed_by": COMPUTED_BY}
    run_embedding_experiment("embedding_metadata", by_kind(heads), job, about, compute)


if __name__ == "__main__":
    run(main)
