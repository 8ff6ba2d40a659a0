"""Stage gather_maps: the maps of many encoders in one table."""

from pathlib import Path

import pandas as pd

from etalon.evaluate.embedding_map import MAP_COLUMNS
from etalon.records import concatenate
from etalon.stages.arguments import parser, run
from etalon.storage import save_table


def main(argv: list[str] | None = None) -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--maps", type=Path, nargs="+", required=True, help="files of map_embeddings")
    arguments.add_argument("--out", type=Path, required=True, help="parquet file to write")
    args = arguments.parse_args(argv)
    save_table(args.out, concatenate([pd.read_parquet(path) for path in args.maps], MAP_COLUMNS))


if __name__ == "__main__":
    run(main)
