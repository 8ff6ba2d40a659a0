"""Stage make_folds: the rows that train and test in every fold of a dataset."""

import argparse
from pathlib import Path

import pandas as pd

from etalon.data.folds import make_folds
from etalon.errors import NotRunError
from etalon.stages.arguments import parser, run
from etalon.storage import load_set, save_table


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    arguments = parser(__doc__)
    arguments.add_argument("--data", type=Path, required=True, help="folder of the dataset")
    arguments.add_argument("--seed", type=int, required=True, help="main seed")
    arguments.add_argument("--out", type=Path, required=True, help="parquet file to write")
    return arguments.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    try:
        folds = make_folds(load_set(args.data), seed=args.seed, **args.settings)
    except NotRunError:
        folds = pd.DataFrame({"scheme": [], "repeat": [], "fold": [], "row": [], "role": []})
    save_table(args.out, folds)


if __name__ == "__main__":
    run(main)
