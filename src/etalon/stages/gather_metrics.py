"""Stage gather_metrics: the metrics of many experiments in one long table."""

from pathlib import Path

import pandas as pd
from tqdm import tqdm

from etalon.records import METRIC_COLUMNS, as_records, concatenate
from etalon.stages.arguments import parser, run
from etalon.storage import load_json, save_table


def main(argv: list[str] | None = None) -> None:
    arguments = parser(__doc__)
    arguments.add_argument(
        "--scores", type=Path, nargs="+", required=True, help="scores of experiments, JSON or parquet"
    )
    arguments.add_argument("--out", type=Path, required=True, help="parquet file to write")
    args = arguments.parse_args(argv)
    tables = [read_scores(path) for path in tqdm(args.scores, desc="scores", unit="file")]
    save_table(args.out, concatenate(tables, METRIC_COLUMNS))


def read_scores(path: Path) -> pd.DataFrame:
    """Return the metrics of one experiment: a table, or a JSON record that holds them."""
    rows = pd.read_parquet(path) if path.suffix == ".parquet" else pd.DataFrame(load_json(path)["metrics"])
    return as_records(rows, METRIC_COLUMNS, where=path)


if __name__ == "__main__":
    run(main)
