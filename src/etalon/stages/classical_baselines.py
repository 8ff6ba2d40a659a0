"""Stage classical_baselines: predictions of the pipelines that chemists use, on every task of a dataset."""

import argparse
import time
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from etalon.errors import NotRunError
from etalon.evaluate.baselines import METHODS, run_baselines
from etalon.evaluate.provenance import describe
from etalon.evaluate.tasks import list_tasks
from etalon.evaluate.views import Views
from etalon.records import PREDICTION_COLUMNS, as_records
from etalon.stages.arguments import parser, run
from etalon.storage import load_baseline, load_set, save_json, save_table


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    arguments = parser(__doc__)
    arguments.add_argument("--data", type=Path, required=True, help="folder of the dataset")
    arguments.add_argument("--folds", type=Path, required=True, help="its folds")
    arguments.add_argument("--seed", type=int, required=True, help="main seed")
    arguments.add_argument("--threads", type=int, default=1, help="threads of the linear algebra")
    arguments.add_argument("--out", type=Path, required=True, help="predictions to write, parquet")
    arguments.add_argument("--record", type=Path, required=True, help="choices and provenance to write, JSON")
    return arguments.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    started = time.monotonic()
    record: dict[str, Any] = {"experiment": "classical", "dataset": args.data.name, "methods": METHODS}
    inputs = {name: args.data / name for name in ("spectra.npy", "targets.npy", "samples.parquet")}
    record |= describe(args.settings, args.seed, inputs | {"folds": args.folds})
    try:
        spectra = load_set(args.data)
        views = Views(
            spectra.intensities,
            load_baseline(args.data, spectra),
            savgol_window=args.settings["savgol_window"],
            savgol_order=args.settings["savgol_order"],
        )
        tasks = list_tasks(spectra)
        with threadpool_limits(args.threads):
            rows, chosen = run_baselines(tasks, pd.read_parquet(args.folds), views, args.settings, args.seed)
        record["tasks"] = [{"task": t.kind, "target": t.target, "not_run": t.not_run} for t in tasks]
        record["choices"] = [c.to_json() for c in chosen]
    except NotRunError as error:
        rows = pd.DataFrame()
        record |= {"not_run": error.reason, "tasks": [], "choices": []}
    record["seconds"] = round(time.monotonic() - started, 2)
    save_table(args.out, as_records(rows.assign(dataset=args.data.name), PREDICTION_COLUMNS))
    save_json(args.record, record)


if __name__ == "__main__":
    run(main)
