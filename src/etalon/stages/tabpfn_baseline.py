"""Stage tabpfn_baseline: predictions of PCA + TabPFN on every task of a dataset, where its weights are at hand."""

import functools

import pandas as pd

from etalon.contracts import SpectraSet
from etalon.evaluate.baselines import TABPFN_METHODS, choose_tabpfn, run_baselines
from etalon.evaluate.experiment import Job, Outcome, run_experiment
from etalon.evaluate.heads import tabpfn_checkpoint
from etalon.evaluate.tasks import list_tasks
from etalon.evaluate.views import Views
from etalon.stages.arguments import job_parser, run
from etalon.storage import load_baseline


def main(argv: list[str] | None = None) -> None:
    job = Job(**vars(job_parser(__doc__).parse_args(argv)))
    s = job.settings
    configured = {
        "regression": s["tabpfn"]["checkpoint_regressor"],
        "classification": s["tabpfn"]["checkpoint_classifier"],
    }

    def compute(spectra: SpectraSet) -> Outcome:
        tasks = [task for task in list_tasks(spectra) if task.not_run is None]
        kinds = sorted({task.kind for task in tasks})
        chooser = functools.partial(
            choose_tabpfn,
            checkpoints={kind: str(tabpfn_checkpoint(kind, configured[kind])) for kind in kinds},
            n_pcs=s["tabpfn"]["n_pcs"],
            n_estimators=s["tabpfn"]["n_estimators"],
            seed=job.seed,
        )
        baseline = load_baseline(job.data, spectra)
        views = Views(spectra.intensities, baseline, savgol_window=s["savgol_window"], savgol_order=s["savgol_order"])
        folds = pd.read_parquet(job.folds)
        return Outcome(*run_baselines(tasks, folds, views, chooser, inner_splits=s["inner_splits"], seed=job.seed))

    run_experiment("tabpfn", TABPFN_METHODS, job, compute)


if __name__ == "__main__":
    run(main)
