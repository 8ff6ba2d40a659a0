"""What every stage's command line shares: JSON settings, a log on standard error, one-line errors."""

import argparse
import json
import logging
import sys
from collections.abc import Callable

from etalon.errors import EtalonError


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with `--settings`, one block of the configuration as JSON text."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--settings", type=json.loads, default={}, help="settings of this stage, as JSON")
    return result


def run(main: Callable[[], None]) -> None:
    """Run a stage's `main`. An error that a user can act on is logged as one line; the exit status is then 1."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        main()
    except EtalonError as error:
        logging.error("%s", error)
        sys.exit(1)
