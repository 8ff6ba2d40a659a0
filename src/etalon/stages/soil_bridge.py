"""Stage soil_bridge: one NIR encoder through the decoder of one MIR autoencoder, for the same split and seed.

It writes `results/{run}/soil/bridge/{variant}/{split}/seed{n}.safetensors`, a JSON beside it and
`seed{n}.curves.parquet` (step, loss, reconstruction, alignment). It is trained on the training soils of the sets with
both ranges; `etalon.train.vae_checkpoint.load_bridge` reads it.
"""

import time
from pathlib import Path

import pandas as pd
import torch

from etalon.errors import BadInputError
from etalon.evaluate.soil_sets import stacked
from etalon.seeds import derive_seed
from etalon.stages.arguments import run
from etalon.stages.soil_arguments import read_study, record_of, rows_named, soil_parser
from etalon.storage import save_table
from etalon.train.vae import train_bridge
from etalon.train.vae_checkpoint import load_vae, save_bridge


def main(argv: list[str] | None = None) -> None:
    arguments = soil_parser(__doc__)
    arguments.add_argument("--variant", required=True, help="name of the NIR encoder")
    arguments.add_argument("--encoder-seed", type=int, required=True, help="number of the seed")
    arguments.add_argument("--vae", type=Path, required=True, help="checkpoint of soil_vae")
    arguments.add_argument("--out", type=Path, required=True, help="checkpoint to write, safetensors")
    arguments.add_argument("--curves", type=Path, required=True, help="losses to write, parquet")
    args = arguments.parse_args(argv)
    started = time.monotonic()
    torch.set_num_threads(args.threads)
    study = read_study(args)
    vae, about = load_vae(args.vae)
    if about["split"] != args.split:
        raise BadInputError(args.vae, "split", args.split, about["split"])
    rows = study.training(args.split, args.settings["study"]["independent"])
    rows = {name: own for name, own in rows.items() if name in study.bridged}
    if not rows:
        raise BadInputError("soil", "bridged", "a training set with both ranges", study.not_run or "none")
    nir, mir = (stacked(study, rows, kind) for kind in ("nir", "mir"))
    seed = derive_seed(args.seed, "soil_bridge", args.split, args.encoder_seed)
    model, curve = train_bridge(nir, mir, vae, args.settings["bridge"], seed)
    record = record_of(args, "soil_bridge", study, args.encoder_seed)
    record |= {"variant": args.variant, "soils": rows_named(rows, study)}
    record["vae"] = {key: about[key] for key in ("variant", "size", "code")}
    save_table(args.curves, pd.DataFrame(curve.rows).assign(variant=args.variant, seed=args.encoder_seed))
    save_bridge(args.out, model, args.settings["bridge"], record | {"seconds": round(time.monotonic() - started, 2)})


if __name__ == "__main__":
    run(main)
