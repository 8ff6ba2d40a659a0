"""Stage embed_datasets: the embeddings of all datasets of a fold by one encoder."""

import argparse
import logging
import time
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from etalon.contracts import SpectraSet
from etalon.errors import NotRunError
from etalon.evaluate.embed import describe_encoder, embed_spectra_of, open_encoder, refuse_seen
from etalon.evaluate.embeddings import NOT_RUN, OK, Embedding, save_embedding, save_index, save_not_run
from etalon.models.encoder import Encoder
from etalon.models.metadata_embedding import categories_of
from etalon.stages.arguments import parser, run
from etalon.stages.embedding_arguments import add_encoder
from etalon.storage import load_baseline, load_metadata, load_set


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    arguments = parser(__doc__)
    add_encoder(arguments)
    arguments.add_argument("--data", type=Path, nargs="+", required=True, help="folders of the datasets")
    arguments.add_argument("--threads", type=int, default=1, help="threads of the linear algebra")
    arguments.add_argument("--out", type=Path, required=True, help="index to write, JSON; the embeddings lie beside it")
    return arguments.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    started = time.monotonic()
    torch.set_num_threads(args.threads)
    encoder, record = open_encoder(args.checkpoint, args.encoder)
    for folder in args.data:
        try:
            refuse_seen(args.checkpoint, record, load_metadata(folder))
        except NotRunError as error:
            logging.warning("%s: %s", folder.name, error)
    inputs = {
        f"{folder.name}/{name}": folder / name for folder in args.data for name in ("spectra.npy", "baseline_asls.npy")
    }
    about = describe_encoder("etalon.evaluate.embed", args.checkpoint, args.encoder, inputs)
    about |= {"blocks": encoder.blocks}
    args.out.unlink(missing_ok=True)
    status = {}
    with threadpool_limits(args.threads):
        for folder in tqdm(args.data, desc="datasets", unit="set"):
            try:
                spectra = load_set(folder)
                refuse_seen(args.checkpoint, record, spectra.metadata, spectra.intensities)
                embedding = embed_set(encoder, spectra, load_baseline(folder, spectra))
                save_embedding(args.out.parent, folder.name, embedding, about["checkpoint"])
                status[folder.name] = OK
            except NotRunError as error:
                save_not_run(args.out.parent, folder.name, error.reason)
                status[folder.name] = NOT_RUN + error.reason
    save_index(args.out, status, about | {"seconds": round(time.monotonic() - started, 2)})


def embed_set(encoder: Encoder, spectra: SpectraSet, baseline: np.ndarray) -> Embedding:
    """Return the embeddings of a dataset, with what is known of it; raises NotRunError if it has no wavelengths."""
    known = categories_of(spectra.metadata)
    blocks = embed_spectra_of(
        encoder, spectra.metadata, spectra.intensities, spectra.wavelengths, baseline, categories=known
    )
    return Embedding.join(blocks)


if __name__ == "__main__":
    run(main)
