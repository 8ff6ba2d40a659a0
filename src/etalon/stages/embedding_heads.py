"""Stage embedding_heads: predictions of heads on the embeddings of all datasets of a fold."""

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from etalon.contracts import SpectraSet
from etalon.errors import BadInputError
from etalon.evaluate.embedding_experiment import EmbeddingJob, SetOutcome, run_embedding_experiment
from etalon.evaluate.embedding_heads import FS, PRETRAINED, applicable, by_kind, read_blocks, run_heads
from etalon.evaluate.embeddings import load_index
from etalon.evaluate.pretrained_head import read_prior
from etalon.evaluate.provenance import sha256
from etalon.evaluate.tasks import Task
from etalon.stages.arguments import run
from etalon.stages.embedding_arguments import experiment_parser

IN_CONTEXT = ("tabpfn", "tabicl")  # heads, named as the packages they come from; installing them is optional


def main(argv: list[str] | None = None) -> None:
    arguments = experiment_parser(__doc__)
    arguments.add_argument("--index", type=Path, required=True, help="index of the embeddings")
    arguments.add_argument("--fs-index", type=Path, help="index of the embeddings of fs, for heads that join them")
    arguments.add_argument("--prior", type=Path, help="prior of the pretrained kernel head, JSON")
    arguments.add_argument("--experiment", default="embedding_heads", help="name of the experiment in the record")
    args = vars(arguments.parse_args(argv))
    experiment, prior = args.pop("experiment"), args.pop("prior")
    indices = {"own": args.pop("index"), "fs": args.pop("fs_index")}
    job = EmbeddingJob(**args)
    given = {name: load_index(path) for name, path in indices.items() if path is not None}
    blocks = {name: index["blocks"] for name, index in given.items()}
    heads = applicable(job.settings["heads"], blocks["own"], blocks.get("fs"))
    if PRETRAINED in heads and prior is None:
        raise BadInputError("command line", "--prior", f"the prior of {PRETRAINED}", "none")
    settings = job.settings | ({"prior": read_prior(prior)} if prior else {})
    joined = any(name.startswith(FS) for names in heads.values() for name in names)

    def compute(folder: Path, spectra: SpectraSet, tasks: list[Task], folds: pd.DataFrame) -> SetOutcome:
        known = read_blocks(indices["own"], indices["fs"] if joined else None, folder.name, len(spectra))
        limits = {name: job.settings[name] for name in ("repeats", "max_rows", "inner_splits")}
        return run_heads(known, tasks, folds, heads, seed=job.seed, settings=settings, **limits)

    about = {"computed_by": "etalon.evaluate.embedding_heads", "checkpoint": given["own"]["checkpoint"]}
    about["inputs"] = {name: sha256(indices[name]) for name in given} | ({"prior": sha256(prior)} if prior else {})
    about["packages"] = {name: version(name) for name in IN_CONTEXT if name in heads and find_spec(name)}
    run_embedding_experiment(experiment, by_kind(heads), job, about, compute)


if __name__ == "__main__":
    run(main)
