"""Stage soil_scores: every score of study 3 from what its splits and seeds gave.

It writes `results/{run}/scores/soil/properties.parquet` (`etalon.records.METRIC_COLUMNS`: scores of properties,
fidelity of spectra, what distances say of errors), and two tables for figures: `metrics/soil_spectra.parquet` (by
wavenumber) and `metrics/soil_distances.parquet` (by soil).
"""

import time
from pathlib import Path
from typing import Any

import pandas as pd

from etalon.contracts import Metadata
from etalon.errors import BadInputError, NotRunError
from etalon.evaluate import soil_scores
from etalon.evaluate.soil_scores import channel_rows, distance_rows, fidelity_rows, property_rows, with_names
from etalon.records import METRIC_COLUMNS, PREDICTION_COLUMNS, as_records, concatenate
from etalon.stages.arguments import parser, run
from etalon.storage import load_json, load_metadata, save_json, save_table

LEARNED = "soil_learned"


def main(argv: list[str] | None = None) -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    arguments.add_argument("--data", type=Path, nargs="+", required=True, help="folders of the datasets")
    for name in ("predictions", "latents", "spectra", "examples"):
        arguments.add_argument(f"--{name}", type=Path, nargs="+", required=True, help=f"{name} of all splits, parquet")
    arguments.add_argument("--seed", type=int, required=True, help="main seed, of the bootstrap")
    arguments.add_argument("--out", type=Path, required=True, help="scores to write, parquet")
    arguments.add_argument("--out-spectra", type=Path, required=True, help="scores by wavenumber to write, parquet")
    arguments.add_argument("--out-distances", type=Path, required=True, help="distances by soil to write, parquet")
    arguments.add_argument("--record", type=Path, required=True, help="record to write, JSON")
    args = arguments.parse_args(argv)
    started = time.monotonic()
    known = _metadata(args.data)
    records = [load_json(path.with_suffix(".json")) for path in args.predictions]
    predictions = concatenate([pd.read_parquet(path) for path in args.predictions], PREDICTION_COLUMNS).astype(
        {name: str for name, dtype in PREDICTION_COLUMNS.items() if dtype == "category"}
    )
    channels = soil_scores.pooled([pd.read_parquet(path) for path in args.spectra])
    distances = soil_scores.distances(pd.concat(map(pd.read_parquet, args.latents), ignore_index=True), predictions)
    rows = [
        *property_rows(predictions, args.settings["bootstrap"], args.seed),
        *fidelity_rows(channels),
        *distance_rows(distances),
        *_gaps(records, predictions),
    ]
    table = as_records(with_names(rows, known, args.run), METRIC_COLUMNS)
    save_table(args.out, pd.concat([table, _absent(records, args.data, args.run)], ignore_index=True))
    examples = _examples(pd.concat(map(pd.read_parquet, args.examples), ignore_index=True))
    spectra = with_names([*channel_rows(_first_seed(channels)), *examples], known, args.run)
    save_table(args.out_spectra, as_records(spectra.assign(amplitude_unit="cm-1"), METRIC_COLUMNS))
    own = {name: {"family": about.family, "synthetic": about.synthetic} for name, about in known.items()}
    columns = {
        key: distances["dataset"].map({name: about[key] for name, about in own.items()})
        for key in ("family", "synthetic")
    }
    save_table(args.out_distances, _first_seed(distances).assign(**columns))
    save_json(args.record, _record(records, args.settings) | {"seconds": round(time.monotonic() - started, 2)})


def _metadata(folders: list[Path]) -> dict[str, Metadata]:
    found = {}
    for folder in folders:
        try:
            found[folder.name] = load_metadata(folder)
        except NotRunError:
            continue  # the records of the splits give the reason
    if not found:
        raise BadInputError("soil", "--data", "a dataset that could be had", "none")
    return found


def _first_seed(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["seed"] == table["seed"].min()]


def _examples(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one example a set and kind as metrics by wavenumber: the one of the smallest fold and seed."""
    keys = ["dataset", "pair", "kind", "variant"]
    first = table.sort_values("seed", kind="stable").drop_duplicates([*keys, "wavenumber"])
    rows = []
    for row in first.to_dict("records"):
        about = {key: row[key] for key in ("dataset", "pair", "variant", "seed")} | {"method": row["kind"]}
        about |= {"condition": "independent" if row["pair"] else "cv", "amplitude": row["wavenumber"], "status": "ok"}
        rows += [about | {"metric": name, "value": row[name]} for name in ("example_measured", "example_made")]
    return rows


def _gaps(records: list[dict[str, Any]], predictions: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row a model for each property of a pair that cannot be compared."""
    models = predictions[["pair", "condition", "method", "variant", "head"]].drop_duplicates()
    gaps = {
        (gap["dataset"], gap["analyte"], gap["pair"], gap["reason"]) for record in records for gap in record["gaps"]
    }
    rows = []
    for dataset, analyte, pair, reason in sorted(gaps):
        for model in models[models["pair"] == pair].to_dict("records"):
            rows.append(
                model | {"dataset": dataset, "target": analyte, "metric": "ccc", "status": f"not run: {reason}"}
            )
    return rows


def _absent(records: list[dict[str, Any]], folders: list[Path], run_name: str) -> pd.DataFrame:
    """Return one row a set that took no part, with the reason."""
    reasons = {name: reason for record in records for name, reason in record["not_run"].items()}
    about = {"run": run_name, "task": "regression", "condition": "cv", "metric": "ccc"}
    rows = [about | {"dataset": name, "status": f"not run: {reason}"} for name, reason in sorted(reasons.items())]
    return as_records(pd.DataFrame(rows, columns=None if rows else list(METRIC_COLUMNS)), METRIC_COLUMNS)


def _record(records: list[dict[str, Any]], settings: dict[str, Any]) -> dict[str, Any]:
    """Return provenance of the scores: that of the splits, with the seconds of all."""
    first = next((record for record in records if record["experiment"] == LEARNED), records[0])
    content = {key: first[key] for key in ("code", "seed", "python", "packages", "inputs", "grid")}
    content |= {"experiment": "soil", "dataset": "soil", "settings": first["settings"] | settings}
    return content | {"seconds_of_heads": round(sum(record["seconds"] for record in records), 1)}


if __name__ == "__main__":
    run(main)
