"""Stage import_dataset: one dataset from its raw files into the data contract."""

from pathlib import Path

from etalon.catalogue import get_entry
from etalon.data.apart import run_apart
from etalon.data.fetch import locate, mirror_folder
from etalon.data.import_entry import read_entry
from etalon.errors import BadInputError
from etalon.stages.arguments import parser, run
from etalon.storage import load_json, save_set, save_unavailable


def main(argv: list[str] | None = None) -> None:
    """Read the dataset with its entry's reader; of one that could not be fetched, record the reason in its place."""
    options = parser(__doc__)
    options.add_argument("--catalogue", type=Path, required=True, help="catalogue of datasets")
    options.add_argument("--dataset", required=True, help="id of the entry")
    options.add_argument("--raw", type=Path, required=True, help="folder of fetched raw files")
    options.add_argument("--mirror", help="folder of raw files to use in place; default: $ETALON_MIRROR")
    options.add_argument("--status", type=Path, required=True, help="record written by fetch_dataset, JSON")
    options.add_argument("--seed", type=int, required=True, help="main seed, for generated datasets")
    options.add_argument("--out", type=Path, required=True, help="metadata.json in the dataset's folder")
    args = options.parse_args(argv)

    entry = get_entry(args.catalogue, args.dataset)
    status = load_json(args.status)
    if status.get("dataset") != entry.id:
        raise BadInputError(args.status, "dataset", entry.id, status.get("dataset"))
    if not status["available"]:
        save_unavailable(args.out.parent, entry.id, status["reason"])
        return
    files = locate(entry, args.raw, mirror_folder(args.mirror))

    def work() -> None:
        save_set(args.out.parent, read_entry(entry, files, args.seed))

    # Libraries trust the sizes that stand in a file, and some are native code.
    run_apart(work, entry.id) if files else work()


if __name__ == "__main__":
    run(main)
