"""Stage measure_transfer_cost: weights and seconds of every method of calibration transfer, on one pair."""

from pathlib import Path

import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from etalon.errors import BadInputError
from etalon.evaluate.cross_instrument import find_pairs
from etalon.evaluate.processor import processor
from etalon.evaluate.provenance import describe
from etalon.evaluate.tasks import list_tasks
from etalon.evaluate.transfer_cost import COST_COLUMNS, cost_rows
from etalon.records import as_records
from etalon.stages.arguments import job_parser, run
from etalon.storage import load_baseline, load_set, save_json, save_table
from etalon.train.patch_checkpoint import load_patch_transformer


def main(argv: list[str] | None = None) -> None:
    arguments = job_parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    arguments.add_argument("--partner", type=Path, required=True, help="folder of the paired dataset")
    arguments.add_argument("--encoder", type=Path, required=True, help="checkpoint of pretrain_transfer")
    arguments.add_argument("--variant", required=True, help="name of its pretraining")
    args = arguments.parse_args(argv)
    torch.set_num_threads(args.threads)
    start, about = load_patch_transformer(args.encoder)
    spectra = load_set(args.data)
    pairs, missing = find_pairs(spectra, [args.partner])
    if not pairs:
        raise BadInputError("measure_transfer_cost", "--partner", "a dataset paired with --data", missing)
    folders = {args.data: spectra, args.partner: pairs[0].target}
    baselines = {one.metadata.dataset_id: load_baseline(folder, one) for folder, one in folders.items()}
    folds = pd.read_parquet(args.folds)
    with threadpool_limits(args.threads):
        rows = cost_rows(pairs[0], baselines, list_tasks(spectra), folds, args.settings, start, seed=args.seed)
    learned = set(args.settings["methods"])
    rates = {key: args.settings[key] for key in ("analyst_minutes", "scan_minutes", "analyst_rate", "instrument_rate")}
    common = {"run": args.run, "machine": processor(), "currency": args.settings["currency"], **rates}
    table = pd.DataFrame(rows).assign(**common)
    of_network = table["method"].isin(learned)
    table["variant"] = of_network.map({True: args.variant, False: ""})
    pretrained = [name for name, of in args.settings["methods"].items() if of["network"] in ("lora", "full")]
    table["pretraining_seconds"] = table["method"].isin(pretrained).map({True: about["seconds"], False: 0.0})
    save_table(args.out, as_records(table, COST_COLUMNS))
    inputs = {f"{folder.name}/{name}": folder / name for folder in folders for name in ("spectra.npy", "targets.npy")}
    save_json(args.record, {"experiment": "transfer_cost"} | describe(args.settings, args.seed, inputs))


if __name__ == "__main__":
    run(main)
