"""Stage classical_baselines: predictions of the pipelines that chemists use, on every task of a dataset."""

import functools

import pandas as pd

from etalon.contracts import SpectraSet
from etalon.evaluate.baselines import METHODS, choose_classical, run_baselines
from etalon.evaluate.experiment import Job, Outcome, run_experiment
from etalon.evaluate.tasks import list_tasks
from etalon.evaluate.views import Views
from etalon.stages.arguments import job_parser, run
from etalon.storage import load_baseline


def main(argv: list[str] | None = None) -> None:
    job = Job(**vars(job_parser(__doc__).parse_args(argv)))
    s = job.settings

    def compute(spectra: SpectraSet) -> Outcome:
        baseline = load_baseline(job.data, spectra)
        views = Views(spectra.intensities, baseline, savgol_window=s["savgol_window"], savgol_order=s["savgol_order"])
        chooser = functools.partial(
            choose_classical, preprocessings=s["preprocessings"], max_lv=s["max_lv"], max_pcs=s["max_pcs"]
        )
        folds = pd.read_parquet(job.folds)
        return Outcome(
            *run_baselines(list_tasks(spectra), folds, views, chooser, inner_splits=s["inner_splits"], seed=job.seed)
        )

    run_experiment("classical", METHODS, job, compute)


if __name__ == "__main__":
    run(main)
