"""What every stage's command line shares: JSON settings, a log on standard error, one-line errors."""

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from etalon.errors import EtalonError, unwind_when_terminated


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with `--settings`, one block of the configuration as JSON text."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--settings", type=json.loads, default={}, help="settings of this stage, as JSON")
    return result


def job_parser(description: str | None) -> argparse.ArgumentParser:
    """Return the parser of a stage that predicts every fold of one dataset (`etalon.evaluate.experiment.Job`)."""
    result = parser(description)
    result.add_argument("--data", type=Path, required=True, help="folder of the dataset")
    result.add_argument("--folds", type=Path, required=True, help="its folds")
    result.add_argument("--seed", type=int, required=True, help="main seed")
    result.add_argument("--threads", type=int, default=1, help="threads of the linear algebra")
    result.add_argument("--out", type=Path, required=True, help="predictions to write, parquet")
    result.add_argument("--record", type=Path, required=True, help="choices and provenance to write, JSON")
    return result


def run(main: Callable[[], None]) -> None:
    """Run a stage's `main`. An error that a user can act on is logged as one line; the exit status is then 1."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    unwind_when_terminated()
    try:
        main()
    except EtalonError as error:
        logging.error("%s", error)
        sys.exit(1)
