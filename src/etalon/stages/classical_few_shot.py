"""Stage classical_few_shot: metrics of classical pipelines fitted to a few specimens of each dataset."""

from pathlib import Path

from etalon.contracts import SpectraSet
from etalon.evaluate.few_shot import Predict
from etalon.evaluate.few_shot_methods import CLASSICAL, classical
from etalon.stages.arguments import run
from etalon.stages.few_shot_arguments import few_shot_parser, run_few_shot
from etalon.storage import load_baseline


def main(argv: list[str] | None = None) -> None:
    args = few_shot_parser(__doc__).parse_args(argv)

    def prepare(folder: Path, spectra: SpectraSet) -> Predict:
        return classical(spectra.intensities, load_baseline(folder, spectra), args.settings, args.seed)

    run_few_shot(args, "method", CLASSICAL, prepare, {}, {})


if __name__ == "__main__":
    run(main)
