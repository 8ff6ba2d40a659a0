"""Stage soil_answers: the open questions of study 3, from what its splits and seeds gave.

It writes four metrics tables, in long form (quantity, value, low, high), with the family of each set and whether it is
synthetic: `soil_band_bias` (`etalon.evaluate.soil_band_bias.tests`, and errors by wavenumber), `soil_sensitivity`
(`etalon.evaluate.soil_sensitivity`), `soil_shift` (`etalon.evaluate.soil_shift`), `soil_extended`
(`etalon.evaluate.soil_extended`).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from etalon.contracts import Metadata
from etalon.errors import NotRunError
from etalon.evaluate import soil_band_bias, soil_extended, soil_sensitivity, soil_shift
from etalon.records import PREDICTION_COLUMNS, concatenate
from etalon.stages.arguments import parser, run
from etalon.storage import load_metadata, save_table

TEXTS = {name: str for name, dtype in PREDICTION_COLUMNS.items() if dtype == "category"}
CHANNELS = ["dataset", "pair", "kind", "variant", "wavenumber"]


def main(argv: list[str] | None = None) -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    arguments.add_argument("--data", type=Path, nargs="+", required=True, help="folders of the datasets")
    arguments.add_argument(
        "--predictions", type=Path, nargs="+", required=True, help="of all models and splits, parquet"
    )
    arguments.add_argument("--mapped", type=Path, nargs="*", default=[], help="predictions of soil_mapped")
    arguments.add_argument("--survival", type=Path, nargs="*", default=[], help="tables of latents of soil_mapped")
    arguments.add_argument("--band-bias", type=Path, nargs="*", default=[], help="errors by soil of soil_band_bias")
    arguments.add_argument("--band-spectra", type=Path, nargs="*", default=[], help="its sums by wavenumber")
    arguments.add_argument("--seed", type=int, required=True, help="main seed, of the bootstrap")
    for name in ("band-bias", "sensitivity", "shift", "extended"):
        arguments.add_argument(f"--out-{name}", type=Path, required=True, help="metrics table to write, parquet")
    args = arguments.parse_args(argv)
    resamples, seed = args.settings["bootstrap"], args.seed
    known = _metadata(args.data)
    models = concatenate([pd.read_parquet(path) for path in args.predictions], PREDICTION_COLUMNS).astype(TEXTS)
    mapped, survival = _stacked(args.mapped), _stacked(args.survival)

    bias = soil_band_bias.tests(_stacked(args.band_bias), resamples, seed)
    _save(args.out_band_bias, pd.concat([bias, _by_wavenumber(_stacked(args.band_spectra))]), known, args.run)
    carried = soil_sensitivity.property_rows(mapped, _main(models), resamples, seed)
    _save(args.out_sensitivity, pd.DataFrame([*carried, *soil_sensitivity.latent_rows(survival)]), known, args.run)
    _save(args.out_shift, pd.DataFrame(soil_shift.rows(_main(models), resamples, seed)), known, args.run)
    _save(args.out_extended, pd.DataFrame(soil_extended.rows(mapped, resamples, seed)), known, args.run)


def _metadata(folders: Sequence[Path]) -> dict[str, Metadata]:
    found = {}
    for folder in folders:
        try:
            found[folder.name] = load_metadata(folder)
        except NotRunError:
            continue  # the records of the splits give the reason
    return found


def _stacked(paths: Sequence[Path]) -> pd.DataFrame:
    return pd.concat([part for path in paths if len(part := pd.read_parquet(path))], ignore_index=True)


def _main(models: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions of the main autoencoder and NIR encoder, the first of theirs, and of models without."""
    first = models.drop_duplicates("method").set_index("method")["variant"]
    return models[models["variant"] == models["method"].map(first)]


def _by_wavenumber(channels: pd.DataFrame) -> pd.DataFrame:
    """Return bias and RMSE of each channel, folds and seeds pooled, as rows of the same form."""
    sums = channels.groupby(CHANNELS, sort=False)[["n", "error", "error2"]].sum().reset_index()
    found = {"channel_bias": sums["error"] / sums["n"], "channel_rmse": np.sqrt(sums["error2"] / sums["n"])}
    own = sums.rename(columns={"variant": "loss"}).drop(columns=["error", "error2"])
    return pd.concat([own.assign(quantity=name, value=value) for name, value in found.items()])


def _save(path: Path, table: pd.DataFrame, known: dict[str, Metadata], run_name: str) -> None:
    """Write a table with what metadata say of its sets; an empty one has its marks alone."""
    names = table["dataset"] if "dataset" in table else pd.Series(dtype=str)
    marks = {"run": run_name, "family": names.map({name: about.family for name, about in known.items()})}
    marks["synthetic"] = names.map({name: about.synthetic for name, about in known.items()}).astype(bool)
    if "target" in table:
        units = {(name, t.analyte): t.unit for name, about in known.items() for t in about.targets}
        keys = zip(names, table["target"], strict=True)
        marks["unit"] = [units.get(key) or _unit(table, units, index) for index, key in enumerate(keys)]
    save_table(path, table.assign(**marks).reset_index(drop=True))


def _unit(table: pd.DataFrame, units: dict[tuple[str, str], str], index: int) -> str:
    """Return the unit of a property that the tested set does not have: that of the set that trained."""
    row = table.iloc[index]
    return units.get((str(row.get("pair", "")).split(">")[0], row["target"]), "")


if __name__ == "__main__":
    run(main)
