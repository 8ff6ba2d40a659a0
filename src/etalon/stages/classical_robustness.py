"""Stage classical_robustness: the calibrations of the classical baselines, tested on disturbed spectra."""

from pathlib import Path

import pandas as pd

from etalon.evaluate.experiment import Job, run_experiment
from etalon.evaluate.perturbed import retest
from etalon.stages.arguments import job_parser, run
from etalon.storage import load_json


def main(argv: list[str] | None = None) -> None:
    arguments = job_parser(__doc__)
    arguments.add_argument("--baselines", type=Path, required=True, help="record of classical_baselines")
    args = vars(arguments.parse_args(argv))
    baselines = load_json(args.pop("baselines"))
    job = Job(**args)
    folds = pd.read_parquet(job.folds)
    run_experiment(
        "classical_robustness",
        baselines["methods"],
        job,
        lambda spectra: retest(spectra, baselines, folds, job.settings, job.seed),
    )


if __name__ == "__main__":
    run(main)
