"""Stage score_predictions: metrics of one experiment, on many datasets and with many trainings, in one table."""

from pathlib import Path

import pandas as pd
from tqdm import tqdm

from etalon.contracts import Metadata
from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.score import score
from etalon.records import METRIC_COLUMNS, concatenate
from etalon.stages.arguments import parser, run
from etalon.storage import load_json, load_metadata, save_json, save_table


def main(argv: list[str] | None = None) -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    arguments.add_argument("--data", type=Path, nargs="+", required=True, help="folders of the datasets")
    arguments.add_argument(
        "--predictions",
        type=Path,
        nargs="+",
        required=True,
        help="predictions, parquet; their records, JSON, lie beside",
    )
    arguments.add_argument("--out", type=Path, required=True, help="parquet file to write")
    arguments.add_argument("--record", type=Path, required=True, help="JSON file to write: the records, collected")
    args = arguments.parse_args(argv)
    datasets = {folder.name: metadata_of(folder) for folder in args.data}
    records, tables = [], []
    for path in tqdm(args.predictions, desc="predictions", unit="file"):
        record, predictions = load_json(path.with_suffix(".json")), pd.read_parquet(path)
        records.append(record)
        for entry in record.get("datasets", [record]):
            name = entry["dataset"]
            if name not in datasets:
                raise BadInputError("command line", "--data", f"the folder of {name}", "none")
            own = predictions[predictions["dataset"] == name]
            tables.append(score(own, record | entry, datasets[name], args.run))
    save_json(args.record, {"records": records})
    save_table(args.out, concatenate(tables, METRIC_COLUMNS))


def metadata_of(folder: Path) -> Metadata | None:
    """Return what is known of a dataset; None where it could not be had."""
    try:
        return load_metadata(folder)
    except NotRunError:
        return None


if __name__ == "__main__":
    run(main)
