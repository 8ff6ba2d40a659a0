"""Stage map_embeddings: maps of the embeddings of one variant and seed, one for each encoder."""

import argparse
import logging
from pathlib import Path

from tqdm import tqdm

from etalon.errors import BadInputError
from etalon.evaluate.embedding_map import MAP_COLUMNS, Sample, draw_map, draw_sample, mapped_block
from etalon.evaluate.embeddings import OK, load_index, read_embedding
from etalon.records import as_records, concatenate
from etalon.seeds import derive_seed
from etalon.stages.arguments import parser, run
from etalon.storage import load_set, save_table


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    arguments = parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    arguments.add_argument("--variant", required=True, help="name of the encoder's variant")
    arguments.add_argument("--encoder-seed", type=int, required=True, help="seed of the encoder's training")
    arguments.add_argument("--seed", type=int, required=True, help="main seed")
    arguments.add_argument("--index", type=Path, nargs="+", required=True, help="{heldout}/seed{n}/index.json")
    arguments.add_argument("--data", type=Path, nargs="+", required=True, help="folders of the datasets")
    arguments.add_argument("--out", type=Path, required=True, help="parquet file to write")
    return arguments.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    folders = {folder.name: folder for folder in args.data}
    # Embeddings of different checkpoints have no common space; those of an encoder without weights have one.
    spaces: dict[str | None, list[Path]] = {}
    for index in args.index:
        spaces.setdefault(load_index(index)["checkpoint"], []).append(index)
    tables = []
    for indices in tqdm(spaces.values(), desc="maps", unit="map"):
        samples = [sample for index in indices for sample in _samples(index, folders, args.settings, args.seed)]
        if samples:
            tables.append(draw_map(samples, derive_seed(args.seed, "map", args.variant, args.encoder_seed)))
    rows = concatenate([as_records(table, MAP_COLUMNS) for table in tables], MAP_COLUMNS)
    rows = rows.assign(run=args.run, variant=args.variant, seed=args.encoder_seed)
    save_table(args.out, as_records(rows, MAP_COLUMNS))


def _samples(index: Path, folders: dict[str, Path], settings: dict, seed: int) -> list[Sample]:
    samples = []
    for dataset, status in load_index(index)["datasets"].items():
        if status != OK:
            logging.warning("%s: %s", dataset, status)
            continue
        if dataset not in folders:
            raise BadInputError("command line", "--data", f"the folder of {dataset}", "none")
        embeddings = mapped_block(read_embedding(index, dataset).named(), settings["block"])
        spectra = load_set(folders[dataset])
        sample = draw_sample(spectra, embeddings, settings["per_dataset"], derive_seed(seed, "map", dataset))
        samples.append(Sample(sample.rows.assign(heldout=index.parent.parent.name), sample.embeddings))
    return samples


if __name__ == "__main__":
    run(main)
