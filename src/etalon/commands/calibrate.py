"""`etalon calibrate`: from a dataset with laboratory values to a model in a folder and a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from etalon.commands.own import (
    DATA,
    Data,
    Dataset,
    Encoder,
    Json,
    Overwrite,
    checkpoint_of,
    find_target,
    open_dataset,
    whole_folder,
)

if TYPE_CHECKING:
    from etalon.applied.outcome import Outcome

REPORT, SAMPLES = "report.html", "samples.csv"
MODELS = Path("models")


def calibrate(
    dataset: Dataset,
    analyte: Annotated[
        str | None, typer.Option(metavar="NAME", help="Target to calibrate. Left out: the only one.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the model. Default: models/DATASET_ANALYTE.")
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            metavar="auto|tuned_pls|tuned_ridge|fs_ridge|fs_evidence|embedding_ridge",
            help="Method to keep. auto: tuned PLS unless another is better beyond chance.",
        ),
    ] = "auto",
    encoder: Encoder = "shipped",
    folds: Annotated[int, typer.Option(metavar="N", help="Folds of the cross-validation, whole specimens each.")] = 5,
    test_share: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Specimens put aside for RMSEP where the set has no split; from 50 on."),
    ] = 0.2,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Sample or specimen that takes no part; repeatable. The report says so."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of folds and test specimens.")] = 1,
    overwrite: Overwrite = False,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Calibrate one target: five methods judged alike, one kept, a report to sign and a model to use.

    \b
    etalon calibrate mine --analyte protein
    etalon calibrate mine --analyte protein --method tuned_pls --out models/protein
    etalon calibrate mine --analyte protein --leave-out s17 --leave-out s40 --overwrite
    etalon calibrate mine --analyte protein --test-share 0 --json

    Preprocessing, latent variables and strengths are chosen inside the training part of every fold; replicate scans of
    a specimen stay together. The folder holds report.html, samples.csv (every sample with its predictions), model.json
    and model.safetensors, which `etalon predict` reads. About a minute for 500 spectra.
    """
    from etalon.applied.calibrate import calibrate as run
    from etalon.applied.model import ABOUT
    from etalon.applied.outcome import Wishes
    from etalon.commands.output import print_json, progress
    from etalon.reports.calibration import render, sample_table
    from etalon.storage import replacing

    spectra = open_dataset(dataset, data)
    target = find_target(spectra, analyte)
    folder = out or MODELS / _plain(f"{spectra.metadata.dataset_id}_{target.name}")
    wishes = Wishes(method, folds, test_share, seed, checkpoint_of(encoder), tuple(leave_out or ()))
    with whole_folder(folder, ABOUT, overwrite) as new:
        outcome = run(spectra, target, wishes, lambda steps, total: progress(steps, "methods and folds", "fit", total))
        outcome.model.save(new)
        with replacing(new / SAMPLES) as temporary:
            sample_table(outcome).to_csv(temporary, index=False, float_format="%.6g")
        with replacing(new / REPORT) as temporary:
            temporary.write_text(render(outcome), encoding="utf-8")
    if as_json:
        print_json(content(outcome) | {"folder": str(folder), "report": str(folder / REPORT)})
        return
    typer.echo(describe(outcome))
    typer.echo(f"model, report.html and samples.csv in {folder}")


def content(outcome: Outcome) -> dict[str, Any]:
    """Return what a calibration is worth, for programs."""
    from etalon.applied.outcome import finite

    about = outcome.model.about
    shown = ("dataset", "target", "unit", "method", "choice", "statistics", "quantiles", "n_calibration", "n_specimens")
    methods = {
        one.name: {
            "rmsecv": one.rmsecv,
            "ratio_to_pls": one.ratio[0],
            "interval": one.ratio[1:],
            "not_run": one.not_run,
        }
        for one in outcome.judged
    }
    return finite(
        {key: about[key] for key in shown}
        | {"why": outcome.why, "test_set": outcome.test_of, "n_test": len(outcome.test), "methods": methods}
        | {"covered": outcome.covered, "to_look_at": len(outcome.flagged), "left_out": about["left_out"]}
        | {"look_at": {str(outcome.spectra.sample_id[row]): why for row, why in outcome.flagged.items()}}
    )


def describe(outcome: Outcome) -> str:
    """Say in a few lines what a calibration is worth."""
    from etalon.applied.outcome import choice_text

    about, unit = outcome.model.about, outcome.target.unit
    found = about["statistics"]
    cv, test = found["cross_validation"], found["test"]
    lines = [
        (
            "target",
            f"{outcome.target.name} ({unit}), {about['reference_range'][0]:.4g} to {about['reference_range'][1]:.4g}",
        ),
        ("samples", f"{len(outcome.rows)} of {about['n_specimens']} specimens calibrate; {len(outcome.test)} test"),
        ("test set", outcome.test_of),
    ]
    if left_out := about["left_out"]:
        lines.append(("left out", f"as asked: {', '.join(left_out)}"))
    for one in outcome.judged:
        if one.not_run:
            text = f"not run: {one.not_run}"
        else:
            ratio, low, high = one.ratio
            text = f"RMSECV {one.rmsecv:.4g}, {ratio:.2f} of tuned PLS ({low:.2f} to {high:.2f})"
        lines.append((one.name, text + ("  <- kept" if one is outcome.chosen else "")))
    lines += [
        ("why", outcome.why),
        ("choice", choice_text(about["choice"], about["features"])),
        ("RMSEC", f"{found['calibration']['rmsec']:.4g} {unit}{_follows(found['calibration']['rmsec'], cv['rmsecv'])}"),
        ("RMSECV", f"{cv['rmsecv']:.4g} {unit}; {_merits(cv)}"),
    ]
    if test:
        lines.append(("RMSEP", f"{test['rmsep']:.4g} {unit}; {_merits(test)}"))
    lines += _laboratory(found, unit)
    width = about["quantiles"]["0.9"]
    covered = f"{outcome.covered[0.9]:.0%} of left-out samples inside"
    lines.append(("interval", "none: too few specimens" if width is None else f"90 %: +-{width:.3g} {unit}, {covered}"))
    lines.append(("to look at", f"{len(outcome.flagged)} samples beyond a 99 % limit or 3 RMSECV off"))
    return "\n".join(f"{name:<16} {text}" for name, text in lines)


def _laboratory(found: dict[str, Any], unit: str) -> list[tuple[str, str]]:
    """Return what the figures owe to the laboratory."""
    from etalon.applied.laboratory import beyond_text, sel_text

    lines, known = [], found["laboratory"] or {}
    if known.get("sel") is not None:
        said = sel_text(known["sel"], known["degrees_of_freedom"], known["sel_of_references"], unit)
        lines.append(("SEL", said + ("; no RMSEP is to be expected below that" if known["sel"] else "")))
    if known.get("beyond_limit") is not None:
        said = beyond_text(known["n_below"], known["n_above"], known["n_references"], known["beyond_limit"])
        others = ", ".join(
            f"{name.upper()} {known[f'{name}_measured']:.4g}"
            for name in ("rmsecv", "rmsep")
            if known.get(f"{name}_measured") is not None
        )
        lines.append(("beyond a limit", said + (f"; without them {others} {unit}" if others else "")))
    return lines


def _follows(rmsec: float, rmsecv: float) -> str:
    """Return what an RMSEC says that is far below RMSECV: nothing of new samples."""
    return "; it follows its own samples closely, judge by the others" if rmsec < 0.2 * rmsecv else ""


def _merits(found: dict[str, Any]) -> str:
    names = {"bias": "bias", "sep": "SEP", "r2": "R2", "rpd": "RPD", "rpiq": "RPIQ"}
    return ", ".join(f"{title} {found[name]:.3g}" for name, title in names.items() if found[name] is not None)


def _plain(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in name)
