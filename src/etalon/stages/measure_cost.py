"""Stage measure_cost: seconds from the files of a dataset to predictions, and choices, of every method."""

import argparse
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from etalon.errors import BadInputError
from etalon.evaluate.cost import COST_COLUMNS, measure
from etalon.evaluate.cost_routes import Given
from etalon.evaluate.embed import digest
from etalon.evaluate.processor import processor
from etalon.evaluate.provenance import describe
from etalon.records import as_records
from etalon.stages.arguments import parser, run
from etalon.storage import save_json, save_table


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    arguments = parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    arguments.add_argument("--data", type=Path, nargs="+", required=True, help="folders of the datasets")
    arguments.add_argument("--folds", type=Path, nargs="+", required=True, help="their folds, {dataset}.parquet")
    arguments.add_argument(
        "--encoder",
        nargs=3,
        action="append",
        default=[],
        metavar=("VARIANT", "NAME", "CHECKPOINT"),
        help="an encoder and its weights, none for one without; may be repeated",
    )
    arguments.add_argument("--seed", type=int, required=True, help="main seed")
    arguments.add_argument("--threads", type=int, default=1, help="threads of the linear algebra")
    arguments.add_argument("--out", type=Path, required=True, help="table to write, parquet")
    arguments.add_argument("--record", type=Path, required=True, help="provenance to write, JSON")
    return arguments.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    folds = {path.stem: path for path in args.folds}
    if missing := sorted({folder.name for folder in args.data} - set(folds)):
        raise BadInputError("command line", "--folds", f"a file {missing[0]}.parquet", "none")
    given = [Given(variant, name, None if path == "none" else Path(path)) for variant, name, path in args.encoder]
    torch.set_num_threads(args.threads)
    with threadpool_limits(args.threads):
        rows = measure(args.data, folds, given, args.settings, args.seed)
    rows = rows.assign(run=args.run, threads=args.threads, machine=processor())
    inputs = {f"{folder.name}/{name}": folder / name for folder in args.data for name in ("spectra.npy", "targets.npy")}
    record = {"experiment": "cost"} | describe(args.settings, args.seed, inputs)
    save_table(args.out, as_records(rows, COST_COLUMNS))
    save_json(args.record, record | {"checkpoints": {of.variant: digest(of.checkpoint) for of in given}})


if __name__ == "__main__":
    run(main)
