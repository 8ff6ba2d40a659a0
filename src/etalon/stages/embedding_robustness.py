"""Stage embedding_robustness: heads on embeddings, fitted on spectra as measured and tested on disturbed ones."""

from pathlib import Path

import pandas as pd
import torch

from etalon.contracts import SpectraSet
from etalon.evaluate.embed import describe_encoder, open_encoder, refuse_seen
from etalon.evaluate.embedding_experiment import EmbeddingJob, SetOutcome, run_embedding_experiment
from etalon.evaluate.embedding_heads import HEADS, applicable
from etalon.evaluate.embedding_robustness import retest_heads
from etalon.evaluate.tasks import Task
from etalon.models.function_space import BLOCKS
from etalon.stages.arguments import run
from etalon.stages.embedding_arguments import add_encoder, experiment_parser

COMPUTED_BY = "etalon.evaluate.embedding_robustness"


def main(argv: list[str] | None = None) -> None:
    arguments = experiment_parser(__doc__)
    add_encoder(arguments)
    args = vars(arguments.parse_args(argv))
    name, checkpoint = args.pop("encoder"), args.pop("checkpoint")
    job = EmbeddingJob(**args)
    torch.set_num_threads(job.threads)
    encoder, training = open_encoder(checkpoint, name)
    heads = applicable(job.settings["heads"], encoder.blocks, BLOCKS)
    heads = {head: blocks for head, blocks in heads.items() if HEADS[head].kind == "regression"}

    def compute(folder: Path, spectra: SpectraSet, tasks: list[Task], folds: pd.DataFrame) -> SetOutcome:
        refuse_seen(checkpoint, training, spectra.metadata)
        return retest_heads(encoder, spectra, tasks, folds, heads, job.settings, job.seed)

    about = describe_encoder(COMPUTED_BY, checkpoint, name, {}) | {"computed_by": COMPUTED_BY}
    run_embedding_experiment("embedding_robustness", {"regression": list(heads)}, job, about, compute)


if __name__ == "__main__":
    run(main)
