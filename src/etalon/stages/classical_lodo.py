"""Stage classical_lodo: classical methods fitted on datasets of other families that measure the same analyte."""

import time
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from etalon.code_digest import code_digest
from etalon.errors import NotRunError
from etalon.evaluate.lodo import load_members
from etalon.evaluate.lodo_classical import METHODS, classical_contest
from etalon.evaluate.lodo_tasks import run_tasks
from etalon.evaluate.provenance import describe
from etalon.records import PREDICTION_COLUMNS, as_records
from etalon.stages.arguments import parser, run
from etalon.storage import load_metadata, save_json, save_table

COMPUTED_BY = "etalon.evaluate.lodo_classical"


def main(argv: list[str] | None = None) -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--data", type=Path, required=True, help="folder of the test set")
    arguments.add_argument("--training", type=Path, nargs="+", required=True, help="folders of all sets that may train")
    arguments.add_argument("--seed", type=int, required=True, help="main seed")
    arguments.add_argument("--threads", type=int, default=1, help="threads of the linear algebra")
    arguments.add_argument("--out", type=Path, required=True, help="predictions to write, parquet")
    arguments.add_argument("--record", type=Path, required=True, help="choices and provenance to write, JSON")
    args = arguments.parse_args(argv)
    started, rows = time.monotonic(), pd.DataFrame()
    content: dict[str, Any] = {"experiment": "classical_lodo", "dataset": args.data.name, "not_run": None}
    content |= {"methods": {"regression": METHODS}, "tasks": [], "choices": [], "gaps": []}
    inputs = {}
    try:
        load_metadata(args.data)
        members, missing = load_members({args.data, *args.training}, {args.data.name})
        files = [(m.dataset, m.folder / name) for m in members for name in ("spectra.npy", "targets.npy")]
        inputs = {f"{dataset}/{path.name}": path for dataset, path in files}
        with threadpool_limits(args.threads):
            contest = classical_contest(args.settings, args.seed)
            outcome = run_tasks(args.data.name, members, contest, args.settings, args.seed)
        rows = outcome.predictions
        content |= {"choices": list(outcome.choices), "gaps": list(outcome.gaps), "could_not_be_had": missing}
        own = [member.task for member in members if member.dataset == args.data.name]
        content["tasks"] = [{"task": task.kind, "target": task.target, "not_run": None} for task in own]
    except NotRunError as error:
        content["not_run"] = error.reason
    content |= describe(args.settings, args.seed, inputs) | {"code": code_digest(COMPUTED_BY)}
    content["seconds"] = round(time.monotonic() - started, 2)
    save_table(args.out, as_records(rows.assign(dataset=args.data.name), PREDICTION_COLUMNS))
    save_json(args.record, content)


if __name__ == "__main__":
    run(main)
