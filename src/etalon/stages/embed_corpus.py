"""Stage embed_corpus: the embeddings of one shard of generated spectra by one encoder."""

import argparse
import mmap
import time
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from etalon.evaluate.embed import describe_encoder, open_encoder
from etalon.evaluate.embeddings import Embedding
from etalon.models.encoder import embed_grid
from etalon.stages.arguments import parser, run
from etalon.stages.embedding_arguments import add_encoder
from etalon.storage import replacing, save_json
from etalon.train.corpus import load_synthetic

_TOGETHER = 1024  # spectra whose embeddings are held at once


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    arguments = parser(__doc__)
    add_encoder(arguments)
    arguments.add_argument("--shard", type=Path, required=True, help="file of synthetic_corpus")
    arguments.add_argument("--threads", type=int, default=1, help="threads of the linear algebra")
    arguments.add_argument("--out", type=Path, required=True, help="embeddings to write, .npy, rows as in the shard")
    arguments.add_argument("--record", type=Path, required=True, help="blocks and provenance to write, JSON")
    return arguments.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    started = time.monotonic()
    torch.set_num_threads(args.threads)
    encoder, _ = open_encoder(args.checkpoint, args.encoder)
    sets = load_synthetic([args.shard], mmap.MADV_SEQUENTIAL)
    shape = (sum(len(source.batch) for source in sets), sum(encoder.blocks.values()))
    blocks: dict[str, tuple[int, int]] = {}
    # Written, not mapped: a full disk then is an error and not a signal that kills the process.
    with threadpool_limits(args.threads), replacing(args.out) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for source in tqdm(sets, unit="set"):
            for first in range(0, len(source.batch), _TOGETHER):
                batch = source.batch.rows(slice(first, first + _TOGETHER))
                embedding = Embedding.join(embed_grid(encoder, batch))
                blocks = embedding.blocks
                file.write(embedding.values.data)
    about = describe_encoder("etalon.evaluate.embed", args.checkpoint, args.encoder, {args.shard.name: args.shard})
    content = {"n": shape[0], "sets": {source.name: len(source.batch) for source in sets}, "blocks": blocks}
    save_json(args.record, about | content | {"seconds": round(time.monotonic() - started, 2)})


if __name__ == "__main__":
    run(main)
