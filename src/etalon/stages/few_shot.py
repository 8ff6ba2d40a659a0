"""Stage few_shot: metrics of heads fitted to the embeddings of a few specimens of each dataset of a fold."""

import logging
from pathlib import Path

from etalon.contracts import SpectraSet
from etalon.errors import BadInputError
from etalon.evaluate.embedding_experiment import METHOD
from etalon.evaluate.embedding_heads import HEADS, PRETRAINED, applicable, read_blocks
from etalon.evaluate.embeddings import load_index
from etalon.evaluate.few_shot import Predict
from etalon.evaluate.few_shot_methods import heads_on
from etalon.evaluate.pretrained_head import read_prior
from etalon.evaluate.provenance import sha256
from etalon.stages.arguments import run
from etalon.stages.few_shot_arguments import few_shot_parser, run_few_shot


def main(argv: list[str] | None = None) -> None:
    arguments = few_shot_parser(__doc__)
    arguments.add_argument("--index", type=Path, required=True, help="index of the embeddings")
    arguments.add_argument("--fs-index", type=Path, help="index of the embeddings of fs, for heads that join them")
    arguments.add_argument("--prior", type=Path, help="prior of the pretrained kernel head, JSON")
    arguments.add_argument("--variant", required=True, help="name of the encoder's variant")
    arguments.add_argument("--heldout", required=True, help="the fold of families that the encoder never saw")
    arguments.add_argument("--encoder-seed", type=int, required=True, help="seed of the encoder's training")
    args = arguments.parse_args(argv)
    indices = {"own": args.index} | ({"fs": args.fs_index} if args.fs_index else {})
    blocks = {name: load_index(path)["blocks"] for name, path in indices.items()}
    heads = applicable(args.settings["heads"], blocks["own"], blocks.get("fs"))
    heads = {name: names for name, names in heads.items() if HEADS[name].kind == "regression"}
    if PRETRAINED in heads and args.prior is None:
        raise BadInputError("command line", "--prior", f"the prior of {PRETRAINED}", "none")
    prior = read_prior(args.prior) if args.prior else None
    if PRETRAINED in heads and prior is None:
        del heads[PRETRAINED]
        logging.warning("%s: not run: no task of other families to pretrain it on", PRETRAINED)

    def prepare(folder: Path, spectra: SpectraSet) -> Predict:
        known = read_blocks(args.index, args.fs_index, folder.name, len(spectra))
        return heads_on(known, heads, args.settings["max_rows"], prior)

    rows_say = {"method": METHOD, "variant": args.variant, "heldout": args.heldout, "seed": args.encoder_seed}
    about = {"checkpoint": load_index(args.index)["checkpoint"]}
    about["inputs"] = {name: sha256(path) for name, path in indices.items()}
    about["inputs"] |= {"prior": sha256(args.prior)} if args.prior else {}
    run_few_shot(args, "head", list(heads), prepare, rows_say, about)


if __name__ == "__main__":
    run(main)
