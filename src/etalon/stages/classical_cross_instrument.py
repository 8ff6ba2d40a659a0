"""Stage classical_cross_instrument: pipelines of one instrument, tested on the same specimens measured by another."""

from pathlib import Path

import pandas as pd

from etalon.contracts import SpectraSet
from etalon.evaluate.cross_instrument import find_pairs, gaps_of
from etalon.evaluate.cross_instrument_methods import CLASSICAL, classical_across
from etalon.evaluate.experiment import Job, Outcome, run_experiment
from etalon.evaluate.tasks import list_tasks
from etalon.stages.arguments import job_parser, run
from etalon.storage import load_baseline


def main(argv: list[str] | None = None) -> None:
    arguments = job_parser(__doc__)
    arguments.add_argument("--partners", type=Path, nargs="*", default=[], help="folders of the paired datasets")
    args = vars(arguments.parse_args(argv))
    partners = {folder.name: folder for folder in args.pop("partners")}
    job = Job(**args)

    def compute(spectra: SpectraSet) -> Outcome:
        pairs, missing = find_pairs(spectra, list(partners.values()))
        folds, tasks = pd.read_parquet(job.folds), list_tasks(spectra)
        gaps = gaps_of(missing, [{"method": name} for name in CLASSICAL])
        found = []
        for pair in pairs:
            target = pair.target
            theirs = load_baseline(partners[target.metadata.dataset_id], target)
            baselines = (load_baseline(job.data, spectra), theirs)
            found.append(classical_across(pair, baselines, tasks, folds, job.settings, job.seed))
        tables = [outcome.predictions for outcome in found if len(outcome.predictions)]
        return Outcome(
            pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(),
            [choice for outcome in found for choice in outcome.chosen],
            gaps=[*gaps, *(gap for outcome in found for gap in outcome.gaps)],
        )

    run_experiment("classical_cross_instrument", {"regression": CLASSICAL}, job, compute)


if __name__ == "__main__":
    run(main)
