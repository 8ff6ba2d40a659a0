"""Stage score_embeddings: metrics of an experiment on the embeddings of many datasets, in one JSON file."""

from pathlib import Path

import pandas as pd
from tqdm import tqdm

from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.score import score
from etalon.records import METRIC_COLUMNS, concatenate
from etalon.stages.arguments import parser, run
from etalon.storage import load_json, load_metadata, save_json


def main(argv: list[str] | None = None) -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    arguments.add_argument("--data", type=Path, nargs="+", required=True, help="folders of the datasets")
    arguments.add_argument("--predictions", type=Path, required=True, help="predictions, parquet")
    arguments.add_argument("--record", type=Path, required=True, help="record written beside them")
    arguments.add_argument("--out", type=Path, required=True, help="JSON file to write")
    args = arguments.parse_args(argv)
    record, predictions = load_json(args.record), pd.read_parquet(args.predictions)
    folders = {folder.name: folder for folder in args.data}
    tables = []
    for entry in tqdm(record["datasets"], desc="datasets", unit="set"):
        dataset = entry["dataset"]
        if dataset not in folders:
            raise BadInputError("command line", "--data", f"the folder of {dataset}", "none")
        try:
            metadata = load_metadata(folders[dataset])
        except NotRunError:
            metadata = None
        tables.append(score(predictions[predictions["dataset"] == dataset], record | entry, metadata, args.run))
    table = concatenate(tables, METRIC_COLUMNS)
    # JSON has no NaN; a column a list keeps the file small.
    columns = {name: table[name].astype(object).where(table[name].notna(), None).tolist() for name in table}
    save_json(args.out, record | {"metrics": columns})


if __name__ == "__main__":
    run(main)
