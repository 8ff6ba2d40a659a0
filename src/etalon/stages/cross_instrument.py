"""Stage cross_instrument: heads on embeddings of one instrument, tested on the same specimens measured by another."""

from pathlib import Path

import pandas as pd

from etalon.contracts import SpectraSet
from etalon.errors import NotRunError
from etalon.evaluate.cross_instrument import find_pairs, gaps_of
from etalon.evaluate.cross_instrument_methods import heads_across
from etalon.evaluate.embedding_experiment import METHOD, EmbeddingJob, SetOutcome, run_embedding_experiment
from etalon.evaluate.embedding_heads import HEADS, applicable, read_blocks
from etalon.evaluate.embeddings import load_index
from etalon.evaluate.provenance import sha256
from etalon.evaluate.tasks import Task
from etalon.stages.arguments import run
from etalon.stages.embedding_arguments import experiment_parser


def main(argv: list[str] | None = None) -> None:
    arguments = experiment_parser(__doc__)
    arguments.add_argument("--index", type=Path, required=True, help="index of the embeddings")
    arguments.add_argument("--fs-index", type=Path, help="index of the embeddings of fs, for heads that join them")
    args = vars(arguments.parse_args(argv))
    index, fs_index = args.pop("index"), args.pop("fs_index")
    job = EmbeddingJob(**args)
    given = {"own": index} | ({"fs": fs_index} if fs_index else {})
    blocks = {name: load_index(path)["blocks"] for name, path in given.items()}
    heads = applicable(job.settings["heads"], blocks["own"], blocks.get("fs"))
    heads = {name: names for name, names in heads.items() if HEADS[name].kind == "regression"}

    def compute(folder: Path, spectra: SpectraSet, tasks: list[Task], folds: pd.DataFrame) -> SetOutcome:
        pairs, missing = find_pairs(spectra, job.data)
        embedded = []
        for pair in pairs:
            target = pair.target
            try:
                embedded.append((pair, read_blocks(index, fs_index, target.metadata.dataset_id, len(target))))
            except NotRunError as error:
                missing[pair.name] = error.reason
        tasks = [task for task in tasks if task.kind == "regression" and task.not_run is None]
        own = read_blocks(index, fs_index, folder.name, len(spectra)) if embedded else {}
        outcome = heads_across(embedded, own, tasks, folds, heads, job.settings, job.seed)
        absent = gaps_of(missing, [{"method": METHOD, "head": name} for name in heads])
        return SetOutcome(outcome.predictions, outcome.choices, gaps=[*absent, *outcome.gaps])

    computed_by = "etalon.evaluate.cross_instrument_methods"
    about = {"computed_by": computed_by, "checkpoint": load_index(index)["checkpoint"]}
    about["inputs"] = {name: sha256(path) for name, path in given.items()}
    run_embedding_experiment("cross_instrument", {"regression": list(heads)}, job, about, compute)


if __name__ == "__main__":
    run(main)
