"""Stage soil_vae: one MIR autoencoder for one split of the soils.

It writes `results/{run}/soil/vae/{variant}/{split}/seed{n}.safetensors` with a JSON beside it (sizes, settings, grid,
how many soils of which sets it was trained on) and `seed{n}.curves.parquet` (step, loss, reconstruction, divergence). A
split is `fold0`, `fold1`, ...: trained on all soils of all sets in cross-validation less that fold of each; or
`independent`: trained on the sets of `soil.independent.train` alone. `etalon.train.vae_checkpoint.load_vae` reads it.
"""

import time
from pathlib import Path

import pandas as pd
import torch

from etalon.evaluate.soil_sets import mir_training_rows, stacked
from etalon.seeds import derive_seed
from etalon.stages.arguments import run
from etalon.stages.soil_arguments import read_study, record_of, rows_named, soil_parser
from etalon.storage import save_table
from etalon.train.vae import train_vae
from etalon.train.vae_checkpoint import save_vae


def main(argv: list[str] | None = None) -> None:
    arguments = soil_parser(__doc__)
    arguments.add_argument("--variant", required=True, help="name of the autoencoder")
    arguments.add_argument("--encoder-seed", type=int, required=True, help="number of the seed")
    arguments.add_argument("--out", type=Path, required=True, help="checkpoint to write, safetensors")
    arguments.add_argument("--curves", type=Path, required=True, help="losses to write, parquet")
    args = arguments.parse_args(argv)
    started = time.monotonic()
    torch.set_num_threads(args.threads)
    study = read_study(args)
    rows = mir_training_rows(study, args.split, args.settings["study"]["independent"])
    seed = derive_seed(args.seed, "soil_vae", args.split, args.encoder_seed)
    model, curve = train_vae(stacked(study, rows, "mir"), args.settings["vae"], seed)
    record = record_of(args, "soil_vae", study, args.encoder_seed)
    record |= {"variant": args.variant, "soils": rows_named(rows, study)}
    save_table(args.curves, pd.DataFrame(curve.rows).assign(variant=args.variant, seed=args.encoder_seed))
    save_vae(args.out, model, args.settings["vae"], record | {"seconds": round(time.monotonic() - started, 2)})


if __name__ == "__main__":
    run(main)
