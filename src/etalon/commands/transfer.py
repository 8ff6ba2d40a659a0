"""`etalon transfer`: a calibration of one instrument used on another, with a recommendation and what it is worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from etalon.commands.own import DATA, Data, Json, Overwrite, find_target, open_dataset, whole_folder
from etalon.errors import BadInputError

if TYPE_CHECKING:
    from etalon.applied.bridge import Bridge
    from etalon.applied.transfer import Candidate, Comparison, Setting
    from etalon.contracts import Target

MODELS = Path("models")
REPORT, SAMPLES = "report.html", "samples.csv"


def transfer(
    source: Annotated[str, typer.Option("--from", metavar="DATASET", help="Set of the calibration, with references.")],
    target: Annotated[str, typer.Option("--to", metavar="DATASET", help="Set of the other instrument.")],
    analyte: Annotated[str | None, typer.Option(metavar="NAME", help="Target. Left out: the only one.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the model. Default: models/FROM_to_TO_ANALYTE.")
    ] = None,
    method: Annotated[
        str | None, typer.Option(metavar="NAME", help="Method of the model. Left out: the recommended one.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the folds.")] = 1,
    overwrite: Overwrite = False,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Use a calibration on another instrument: methods compared on samples that both measured, one recommended.

    \b
    etalon transfer --from lab --to handheld --analyte protein
    etalon transfer --from lab --to handheld --analyte protein --method pds --json

    Samples are the same where their specimens have one name in both sets. Every method is judged by leaving such
    samples out of all that is fitted, the calibration too. Written are a model for the second instrument, which
    `etalon predict` reads, with report.html and samples.csv beside it, and its spectra as the first would have measured
    them, as the dataset TO_as_FROM.
    """
    from etalon.applied.bridge import Bridge
    from etalon.applied.model import ABOUT
    from etalon.applied.transfer import NAMES, compare, settle, transferred, transferred_id
    from etalon.applied.transfer_model import transfer_model
    from etalon.commands.importing import place
    from etalon.commands.output import print_json, progress
    from etalon.reports.transfer import Carried, render, sample_table
    from etalon.storage import METADATA, replacing

    if method is not None and method not in NAMES:
        raise BadInputError("command line", "--method", f"one of {', '.join(NAMES)}", repr(method))
    first, second = open_dataset(source, data), open_dataset(target, data)
    if first.metadata.dataset_id == second.metadata.dataset_id:
        raise BadInputError("command line", "--to", "another dataset than --from", repr(target))
    wanted = find_target(first, analyte)
    written = data / "real" / transferred_id(first.metadata, second.metadata)
    if written.exists() and not overwrite:  # said before the work, not after it
        raise BadInputError(written, "--to", "no dataset of that id, or --overwrite", "one")
    bridge = Bridge.build(first, second, wanted)
    names = f"{first.metadata.dataset_id}_to_{second.metadata.dataset_id}_{wanted.name}"
    folder = out or MODELS / "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in names)
    with whole_folder(folder, ABOUT, overwrite) as new:
        found = compare(bridge, seed, lambda steps, total: progress(steps, "transfer samples", "fold", total))
        kept = found.recommended
        if method is not None:
            kept = next(one for one in found.candidates if one.name == method)
            if kept.not_run is not None:
                raise BadInputError("command line", "--method", "a method that runs here", f"{method}: {kept.not_run}")
        setting = settle(bridge, bridge.shared, bridge.shared[:0], seed)
        model = transfer_model(setting, found, kept, wanted, seed)
        model.save(new)
        best = min(found.standardised, key=lambda one: one.rmse)
        carried = Carried(bridge, found, kept, best, setting, wanted, model)
        with replacing(new / SAMPLES) as temporary:
            sample_table(carried).to_csv(temporary, index=False, float_format="%.6g")
        with replacing(new / REPORT) as temporary:
            temporary.write_text(render(carried), encoding="utf-8")
        spectra = transferred(setting, best.name)
        place(data / "real", spectra, overwrite=(written / METADATA).is_file())
    if as_json:
        places = {"folder": str(folder), "report": str(folder / REPORT), "spectra": str(written)}
        print_json(content(bridge, found, kept, best, wanted) | places)
        return
    typer.echo(describe(bridge, found, kept, best, wanted, setting))
    typer.echo(f"model, report.html and samples.csv in {folder}; spectra in {written}")


def content(bridge: Bridge, found: Comparison, kept: Candidate, best: Candidate, target: Target) -> dict[str, Any]:
    """Return the comparison for programs."""
    from etalon.applied.outcome import finite

    def row(one: Candidate) -> dict[str, Any]:
        return {"rmse": one.rmse, "to_uncorrected": one.ratio[0], "interval": one.ratio[1:], "not_run": one.not_run}

    return finite(
        {
            "target": target.name,
            "unit": target.unit,
            "transfer_samples": len(bridge.shared),
            "channels": len(bridge.grid.wavelengths),
            "methods": {one.name: row(one) for one in found.candidates},
            "standardised_spectra": {one.name: row(one) for one in found.standardised},
            "recommended": found.recommended.name,
            "why": found.why,
            "rmse_of_choosing": found.honest,
            "method_of_the_model": kept.name,
            "method_of_the_spectra": best.name,
        }
    )


def describe(
    bridge: Bridge, found: Comparison, kept: Candidate, best: Candidate, target: Target, setting: Setting
) -> str:
    """Say in a few lines what the transfer samples say."""
    unit = target.unit
    choice = setting.fitted.choice
    channels = bridge.grid.wavelengths
    covered = f"{channels[0]:.6g} to {channels[-1]:.6g} {bridge.grid.axis_unit}"
    lines = [
        ("target", f"{target.name} ({unit})"),
        ("samples", f"{len(bridge.shared)} specimens measured on both; all figures are of left-out ones"),
        (
            "channels",
            f"{len(channels)} that both cover, {covered}",
        ),
        ("calibration", f"PLS, preprocessing {choice.preprocessing}, {choice.settings['n_lv']} latent variables"),
    ]
    for one in sorted(found.candidates, key=lambda one: (one.not_run is not None, one.rmse)):
        lines.append((one.name, _row(one, unit) + ("  <- model" if one is kept else "")))
    lines += [
        ("recommended", f"{found.recommended.name}. {found.why}"),
        (
            "choosing so",
            f"RMSE {found.honest:.4g} {unit}, each fold by the method that the others recommend",
        ),
        ("spectra", f"by {best.name}, into the unchanged calibration: {_row(best, unit)}"),
    ]
    return "\n".join(f"{name:<14} {text}" for name, text in lines)


def _row(one: Candidate, unit: str) -> str:
    if one.not_run is not None:
        return f"not run: {one.not_run}"
    ratio, low, high = one.ratio
    return f"RMSE {one.rmse:.4g} {unit}, {ratio:.2f} of uncorrected ({low:.2f} to {high:.2f})"
