"""Stage soil_classical: properties of the tested soils of one split by linear models of spectra.

It writes `results/{run}/soil/predictions/classical/{split}.parquet` (`etalon.records.PREDICTION_COLUMNS`, one row a
soil, property and model; seed -1) and a JSON beside it. Models: PLSR and ridge on SNV spectra, the evidence head on
`fs`.
"""

import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from etalon.evaluate.soil_functions import fs_blocks
from etalon.evaluate.soil_heads import Bench, Inputs, linear, trials
from etalon.evaluate.soil_sets import snv
from etalon.records import PREDICTION_COLUMNS, as_records
from etalon.stages.arguments import run
from etalon.stages.soil_arguments import read_study, record_of, soil_parser
from etalon.storage import save_json, save_table


def main(argv: list[str] | None = None) -> None:
    arguments = soil_parser(__doc__)
    arguments.add_argument("--out", type=Path, required=True, help="predictions to write, parquet")
    arguments.add_argument("--record", type=Path, required=True, help="provenance to write, JSON")
    args = arguments.parse_args(argv)
    started = time.monotonic()
    study, settings = read_study(args), args.settings
    functions: dict[tuple[str, str], list[np.ndarray]] = {}

    def fs_of(soils: Any, kind: str) -> list[np.ndarray]:
        if (soils.name, kind) not in functions:
            blocks = fs_blocks(soils.spectra[kind], study.grid[kind], kind, settings["asls"])
            functions[soils.name, kind] = blocks
        return functions[soils.name, kind]

    tables, not_run = [], []
    with threadpool_limits(args.threads):
        for trial in tqdm(list(trials(study, args.split, settings["study"]["independent"])), unit="set"):
            bench = Bench(trial, args.seed)
            for kind in filter(trial.measures, ("mir", "nir")):
                trained, tested = trial.spectra(kind)
                spectra = Inputs(kind, "", snv(trained), snv(tested))
                blocks = fs_of(trial.train, kind), fs_of(trial.test, kind)
                embedded = Inputs(
                    f"{kind}_fs",
                    "",
                    np.hstack(blocks[0])[trial.train_rows],
                    np.hstack(blocks[1])[trial.test_rows],
                    [block.shape[1] for block in blocks[0]],
                )
                for inputs, head in ((spectra, "plsr"), (spectra, "ridge"), (embedded, "evidence")):
                    seed = bench.seed_of(kind, head)
                    bench.run(inputs, head, partial(linear, head, settings["heads"], inputs.blocks, seed))
            tables += bench.tables
            not_run += bench.not_run
    save_table(args.out, as_records(pd.concat(tables, ignore_index=True), PREDICTION_COLUMNS))
    record = record_of(args, "soil_classical", study) | {"gaps": not_run}
    save_json(args.record, record | {"seconds": round(time.monotonic() - started, 2)})


if __name__ == "__main__":
    run(main)
