"""Stage gather_metrics: the metrics of many experiments in one long table."""

from pathlib import Path

import pandas as pd
from tqdm import tqdm

from etalon.records import METRIC_COLUMNS, as_records, concatenate
from etalon.stages.arguments import parser, run
from etalon.storage import save_table


def main(argv: list[str] | None = None) -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--scores", type=Path, nargs="+", required=True, help="scores of experiments, parquet")
    arguments.add_argument("--out", type=Path, required=True, help="parquet file to write")
    args = arguments.parse_args(argv)
    files = tqdm(args.scores, desc="scores", unit="file")
    tables = [as_records(pd.read_parquet(path), METRIC_COLUMNS, where=path) for path in files]
    save_table(args.out, concatenate(tables, METRIC_COLUMNS))


if __name__ == "__main__":
    run(main)
