"""Stage fetch_dataset: the raw files of one dataset, and a record of whether they could be had."""

from pathlib import Path

from etalon.catalogue import get_entry
from etalon.data.fetch import fetch, mirror_folder
from etalon.errors import NotRunError
from etalon.stages.arguments import parser, run
from etalon.storage import save_json


def main(argv: list[str] | None = None) -> None:
    """Write {"dataset", "available", "reason"}. No answer from an address is a reason; a wrong checksum is an error."""
    options = parser(__doc__)
    options.add_argument("--catalogue", type=Path, required=True, help="catalogue of datasets")
    options.add_argument("--dataset", required=True, help="id of the entry")
    options.add_argument("--raw", type=Path, required=True, help="folder of fetched raw files")
    options.add_argument("--mirror", help="folder of raw files to use in place; default: $ETALON_MIRROR")
    options.add_argument("--out", type=Path, required=True, help="the record, JSON")
    args = options.parse_args(argv)

    entry = get_entry(args.catalogue, args.dataset)
    reason = None
    try:
        fetch(entry, args.raw, mirror_folder(args.mirror))
    except NotRunError as error:
        reason = error.reason
    save_json(args.out, {"dataset": entry.id, "available": reason is None, "reason": reason})


if __name__ == "__main__":
    run(main)
