"""Stage gather_curves: the curves of many trainings in one long table."""

from pathlib import Path

import pandas as pd

from etalon.stages.arguments import parser, run
from etalon.storage import save_table

COLUMNS = {
    "run": "category",
    "variant": "category",
    "heldout": "category",
    "seed": "int32",
    "step": "int32",
    "spectra": "int64",
    "quantity": "category",
    "value": "float64",
}


def main(argv: list[str] | None = None) -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    arguments.add_argument("--curves", type=Path, nargs="+", required=True, help="curves of pretrain")
    arguments.add_argument("--out", type=Path, required=True, help="parquet file to write")
    args = arguments.parse_args(argv)
    # Trainings without a step have no rows, and no types either.
    parts = [part for path in args.curves if len(part := pd.read_parquet(path))]
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    save_table(args.out, rows.assign(run=args.run)[list(COLUMNS)].astype(COLUMNS))


if __name__ == "__main__":
    run(main)
