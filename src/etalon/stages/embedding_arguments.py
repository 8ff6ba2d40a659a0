"""What the command lines of the stages on embeddings share."""

import argparse
from pathlib import Path

from etalon.stages.arguments import parser


def add_encoder(arguments: argparse.ArgumentParser) -> None:
    """Add the encoder to use and its checkpoint."""
    arguments.add_argument("--encoder", required=True, help="name of the encoder, such as perceiver, fs, fsnl")
    arguments.add_argument(
        "--checkpoint", type=_path_or_none, required=True, help="its weights, safetensors; none for an encoder without"
    )


def experiment_parser(description: str | None) -> argparse.ArgumentParser:
    """Return the parser of a stage that predicts from embeddings (see `etalon.evaluate.embedding_experiment`)."""
    result = parser(description)
    result.add_argument("--data", type=Path, nargs="+", required=True, help="folders of the datasets")
    result.add_argument("--folds", type=Path, nargs="+", required=True, help="their folds, {dataset}.parquet")
    result.add_argument("--seed", type=int, required=True, help="main seed")
    result.add_argument("--variant", required=True, help="name of the encoder's variant")
    result.add_argument("--heldout", required=True, help="the fold of families that the encoder never saw")
    result.add_argument("--encoder-seed", type=int, required=True, help="seed of the encoder's training")
    result.add_argument("--threads", type=int, default=1, help="threads of the linear algebra")
    result.add_argument("--out", type=Path, required=True, help="predictions to write, parquet")
    result.add_argument("--record", type=Path, required=True, help="choices and provenance to write, JSON")
    return result


def _path_or_none(text: str) -> Path | None:
    return None if text == "none" else Path(text)
