"""Stage embedding_lodo: heads on embeddings fitted on datasets of other families that measure the same analyte."""

from pathlib import Path

import pandas as pd
import torch

from etalon.contracts import SpectraSet
from etalon.evaluate.embed import describe_encoder, open_encoder, refuse_seen
from etalon.evaluate.embedding_experiment import EmbeddingJob, SetOutcome, run_embedding_experiment
from etalon.evaluate.embedding_heads import HEADS, applicable
from etalon.evaluate.lodo import load_members
from etalon.evaluate.lodo_heads import MODELS, Embedder, head_contest
from etalon.evaluate.lodo_tasks import run_tasks
from etalon.evaluate.tasks import Task
from etalon.models.function_space import BLOCKS
from etalon.stages.arguments import run
from etalon.stages.embedding_arguments import add_encoder, experiment_parser

COMPUTED_BY = "etalon.evaluate.lodo_heads"


def main(argv: list[str] | None = None) -> None:
    arguments = experiment_parser(__doc__)
    add_encoder(arguments)
    arguments.add_argument("--training", type=Path, nargs="+", required=True, help="folders of all sets that may train")
    args = vars(arguments.parse_args(argv))
    name, checkpoint, training = (args.pop(key) for key in ("encoder", "checkpoint", "training"))
    job = EmbeddingJob(**args)
    torch.set_num_threads(job.threads)
    encoder, record = open_encoder(checkpoint, name)
    heads = applicable(job.settings["heads"], encoder.blocks, BLOCKS)
    heads = {head: blocks for head, blocks in heads.items() if HEADS[head].model in MODELS}
    members, missing = load_members({*training, *job.data}, {folder.name for folder in job.data})
    embedder = Embedder(encoder, {block for blocks in heads.values() for block in blocks}, job.settings["asls"])

    contest = head_contest(embedder, heads, job.settings["max_rows"], job.settings, job.seed)

    def compute(folder: Path, spectra: SpectraSet, tasks: list[Task], folds: pd.DataFrame) -> SetOutcome:
        refuse_seen(checkpoint, record, spectra.metadata, spectra.intensities)
        return run_tasks(folder.name, members, contest, job.settings, job.seed)

    about = describe_encoder(COMPUTED_BY, checkpoint, name, {}) | {"computed_by": COMPUTED_BY}
    about["training_sets"] = {"could_not_be_had": missing}
    run_embedding_experiment("embedding_lodo", {"regression": list(heads)}, job, about, compute)


if __name__ == "__main__":
    run(main)
