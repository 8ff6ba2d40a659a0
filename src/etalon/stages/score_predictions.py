"""Stage score_predictions: metrics of one experiment on one dataset, with all they rest on, in one JSON file."""

from pathlib import Path

import pandas as pd

from etalon.errors import NotRunError
from etalon.evaluate.score import score
from etalon.stages.arguments import parser, run
from etalon.storage import load_json, load_metadata, save_json


def main(argv: list[str] | None = None) -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    arguments.add_argument("--data", type=Path, required=True, help="folder of the dataset")
    arguments.add_argument("--predictions", type=Path, required=True, help="predictions, parquet")
    arguments.add_argument("--record", type=Path, required=True, help="record written beside them")
    arguments.add_argument("--out", type=Path, required=True, help="JSON file to write")
    args = arguments.parse_args(argv)
    record = load_json(args.record)
    try:
        metadata = load_metadata(args.data)
    except NotRunError:
        metadata = None
    table = score(pd.read_parquet(args.predictions), record, metadata, args.run)
    # JSON has no NaN; a column a list keeps the file small.
    columns = {name: table[name].astype(object).where(table[name].notna(), None).tolist() for name in table}
    save_json(args.out, record | {"metrics": columns})


if __name__ == "__main__":
    run(main)
