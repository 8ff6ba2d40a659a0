"""Stage classical_ageing: a calibration on spectra of its ageing instrument, left as it is and recalibrated."""

from etalon.evaluate.ageing_experiment import ageing_rows, classical
from etalon.evaluate.study import run_study
from etalon.evaluate.transfer_methods import OWN, UNCORRECTED
from etalon.stages.arguments import job_parser, run

COMPUTED_BY = "etalon.evaluate.ageing_experiment"


def main(argv: list[str] | None = None) -> None:
    arguments = job_parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    args = arguments.parse_args(argv)
    methods = classical(args.settings["methods"])
    run_study(
        args,
        "classical_ageing",
        COMPUTED_BY,
        (UNCORRECTED, *methods, OWN),
        lambda spectra, tasks, folds: ageing_rows(spectra, tasks, folds, args.settings, methods, args.seed),
    )


if __name__ == "__main__":
    run(main)
