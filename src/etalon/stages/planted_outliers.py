"""Stage planted_outliers: which spectra of one dataset are flagged, own ones and spoiled ones, by each limit."""

from etalon.evaluate.outliers import LIMITS
from etalon.evaluate.planted_outliers import outlier_rows
from etalon.evaluate.study import run_study
from etalon.stages.arguments import job_parser, run

COMPUTED_BY = "etalon.evaluate.planted_outliers"


def main(argv: list[str] | None = None) -> None:
    arguments = job_parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    args = arguments.parse_args(argv)
    run_study(
        args,
        "planted_outliers",
        COMPUTED_BY,
        LIMITS,
        lambda spectra, tasks, folds: outlier_rows(spectra, tasks, args.settings, args.seed),
    )


if __name__ == "__main__":
    run(main)
