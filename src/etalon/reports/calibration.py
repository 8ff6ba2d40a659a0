"""The report of a calibration: what it is worth, to be read, printed and signed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from etalon.applied.assess import LARGE_RESIDUAL
from etalon.applied.laboratory import beyond, beyond_text, sel_text
from etalon.applied.methods import REFERENCE, TITLES
from etalon.applied.outcome import Outcome, choice_text
from etalon.reports.calibration_figures import Drawing, methods
from etalon.reports.page import page, sample_button, table
from etalon.reports.svg import number

MOST_ROWS, MOST_FLAGGED, MOST_FILES = 200, 30, 20
CLOSE = 0.2  # RMSEC over RMSECV
MERITS = {
    "rmse": "RMSE",
    "bias": "bias",
    "sep": "SEP",
    "r2": "R²",
    "rpd": "RPD",
    "rpiq": "RPIQ",
    "ccc": "CCC",
}


def sample_table(outcome: Outcome) -> pd.DataFrame:
    """Return one row a sample: name, specimen, part, reference, prediction, error, distances, what stands out."""
    o = outcome
    rows = np.r_[o.rows, o.test]
    predicted = np.r_[o.chosen.predictions, o.test_prediction]
    table = pd.DataFrame(
        {
            "sample_id": o.spectra.sample_id[rows],
            "specimen": o.spectra.specimen[rows],
            "part": ["calibration"] * len(o.rows) + ["test"] * len(o.test),
            "reference": o.y[rows],
            "predicted": predicted,
            "error": predicted - o.y[rows],
            "t2": np.r_[o.t2, o.test_t2],
            "q": np.r_[o.q, o.test_q],
            "look_at": ["; ".join(o.flagged.get(row, ())) for row in rows.tolist()],
        }
    )
    below, above = beyond(o.spectra, o.target)
    if (below | above)[rows].any():  # references that were not measured
        table["beyond_limit"] = np.select([below[rows], above[rows]], ["below", "above"], "")
    return table


def render(outcome: Outcome) -> str:
    """Return the report as HTML."""
    samples = sample_table(outcome)
    unit = outcome.target.unit
    named = [
        [
            ("", str(row["sample_id"])),
            ("reference", f"{number(row['reference'])} {unit}{_stand_in(row)}"),
            ("predicted", f"{number(row['predicted'])} {unit}"),
            ("error", number(row["error"])),
            ("part", str(row["part"])),
            *([("look at", str(row["look_at"]))] if row["look_at"] else []),
        ]
        for row in samples.to_dict("records")
    ]
    figures = "".join(Drawing(outcome).figures())
    body = "\n".join(
        [
            _head(outcome),
            f"<h2>Methods</h2>{_methods(outcome)}",
            f'<h2 id="figures">Figures</h2>{_key(outcome)}<div class="figures">{figures}</div>',
            f"<h2>Figures of merit</h2>{_merits(outcome)}",
            f"<h2>Intervals</h2>{_intervals(outcome)}",
            f"<h2>Samples to look at</h2>{_flagged(outcome, samples)}",
            f"<h2>How it was done</h2>{_protocol(outcome)}",
            f"<h2>Every sample</h2>{_every(samples)}",
        ]
    )
    return page(f"{outcome.target.name} in {outcome.spectra.metadata.dataset_id}: calibration", body, named)


def _stand_in(row: Mapping[Hashable, Any]) -> str:
    return f", for a value {side} a limit" if (side := row.get("beyond_limit")) else ""


def _head(o: Outcome) -> str:
    about, found = o.model.about, o.model.about["statistics"]
    cv, test = found["cross_validation"], found["test"]
    unit = escape(o.target.unit)
    sel = (found["laboratory"] or {}).get("sel")
    facts = [
        ("method kept", escape(o.chosen.name)),
        ("RMSEC", f"{number(found['calibration']['rmsec'])} <small>{unit}</small>"),
        ("RMSECV", f"{number(cv['rmsecv'])} <small>{unit}</small>"),
        ("RMSEP", f"{number(test['rmsep'])} <small>{unit}</small>" if test else "<small>no test set</small>"),
        *([("SEL", f"{number(sel)} <small>{unit}, one determination</small>")] if sel else []),
        ("R², cross-validation", f"{cv['r2']:.3f}"),
        ("RPD, cross-validation", f"{cv['rpd']:.2f}"),
        ("calibration", f"{len(o.rows)} <small>samples of {about['n_specimens']} specimens</small>"),
        ("test", f"{len(o.test)} <small>samples</small>"),
    ]
    shown = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    low, high = map(number, about["reference_range"])
    created = escape(about["created"][:16].replace("T", " "))
    quantity = about["representation"].replace("_", " ").replace("unknown", "quantity not stated")
    return (
        f"<h1>{escape(o.target.name)} in {escape(about['dataset'])}</h1>"
        f'<p class="soft">Calibration from {low} to {high} {unit}, basis {escape(o.target.basis)}; '
        f"{escape(about['modality'])}, {escape(quantity)}; etalon {escape(about['etalon'])}, "
        f'{created} UTC</p><dl class="facts">{shown}</dl>'
    )


def _methods(o: Outcome) -> str:
    rows, kept = [], None
    for place, one in enumerate(o.judged):
        kept = place if one is o.chosen else kept
        name = f"{escape(TITLES[one.name])}<br><code>{one.name}</code>"
        if one.not_run:
            rows.append([f"{name}<br>not run: {escape(one.not_run)}", "", ""])
        else:
            ratio, low, high = one.ratio
            interval = "" if one.name == REFERENCE else f"<br>{low:.2f} to {high:.2f}"
            rows.append([name, number(one.rmsecv), f"{ratio:.2f}{interval}"])
    header = ["method", f"RMSECV ({escape(o.target.unit)})", "to tuned PLS, 95 % interval"]
    caption = "Nested cross-validation: all choices inside the training part of each fold"
    return (
        f'<p>Kept: <strong>{escape(TITLES[o.chosen.name])}</strong>. {escape(o.why)}</p><div class="figures">'
        f"{methods(o)}<div>{table(header, rows, caption, kept)}</div></div>"
    )


def _key(o: Outcome) -> str:
    test = '<span><i class="test"></i>test set</span>' if len(o.test) else ""
    return (
        f'<p class="key"><span><i></i>calibration, cross-validated</span>{test}'
        '<span class="screen">Point at a sample, or go to a figure and use the arrow keys: it is lit in all figures.'
        "</span></p>"
    )


def _merits(o: Outcome) -> str:
    found = o.model.about["statistics"]
    cv, test, calibration = found["cross_validation"], found["test"], found["calibration"]
    columns: list[tuple[str, dict[str, Any]]] = [
        ("calibration (fit)", {"rmse": calibration["rmsec"], "r2": calibration["r2"]}),
        ("cross-validation", cv | {"rmse": cv["rmsecv"]}),
    ]
    if test:
        columns.append(("test set", test | {"rmse": test["rmsep"]}))
    rows = [
        [title, *("" if part.get(name) is None else number(part[name]) for _, part in columns)]
        for name, title in MERITS.items()
    ]
    caption = (
        f"RMSE, bias and SEP in {o.target.unit}; errors are predicted less reference. RPD and RPIQ: SD and "
        "interquartile range of the references over RMSE"
    )
    said = "" if test else f"<p>Test set: {escape(o.test_of)}.</p>"
    said += _laboratory(o)
    if calibration["rmsec"] < CLOSE * cv["rmsecv"]:
        said += (
            "<p>RMSEC is far below RMSECV: the model follows its calibration samples closely. What to expect of new "
            "samples is said by RMSECV and RMSEP alone.</p>"
        )
    return table(["", *(name for name, _ in columns)], rows, caption) + said


def _laboratory(o: Outcome) -> str:
    """Return what the figures owe to the laboratory."""
    known, unit, said = o.model.about["statistics"]["laboratory"] or {}, escape(o.target.unit), ""
    if known.get("sel") is not None:
        text = sel_text(known["sel"], known["degrees_of_freedom"], known["sel_of_references"], unit)
        limit = (
            "No RMSEP is to be expected below the error of the references. Repeats side by side show the repeatability "
            "alone: between days, analysts and laboratories references differ by more."
        )
        said += f"<p><strong>Standard error of laboratory (SEL): {text}.</strong> {limit if known['sel'] else ''}</p>"
    if known.get("beyond_limit") is not None:
        text = beyond_text(known["n_below"], known["n_above"], known["n_references"], known["beyond_limit"])
        said += f"<p><strong>Beyond a limit of the laboratory: {text}.</strong> "
        if known["beyond_limit"] == "missing":
            said += "The calibration was made and judged without such samples: what it says of them is not known.</p>"
        else:
            errors = " and ".join(
                f"{name.upper()} {number(known[f'{name}_measured'])} {unit}"
                for name in ("rmsecv", "rmsep")
                if known.get(f"{name}_measured") is not None
            )
            said += (
                "These numbers were not measured. They bias slope, mean and spread of the references, and an error "
                "against them is not one of the prediction (D. R. Helsel, Statistics for Censored Environmental Data, "
                f"Wiley 2012). {f'Without them: {errors}.' if errors else ''}</p>"
            )
    return said


def _intervals(o: Outcome) -> str:
    rows = []
    for level, width in o.quantiles.items():
        half = f"±{number(width)}" if np.isfinite(width) else "too few specimens"
        rows.append([f"{level:.0%}", half, f"{o.covered[level]:.0%}", _inside(o, width)])
    caption = f"Half width in {o.target.unit}; shares of references inside, with widths from the other folds"
    return (
        "<p>Conformal: the width is a quantile of the errors of specimens that neither fitted the model nor chose its "
        "method. It holds for new samples that are like those of the calibration, and for no others.</p>"
        + table(["level", "half width", "inside, cross-validation", "inside, test set"], rows, caption)
    )


def _inside(o: Outcome, width: float) -> str:
    if not len(o.test):
        return "no test set"
    return f"{(np.abs(o.test_prediction - o.y[o.test]) <= width).mean():.0%}"


def _flagged(o: Outcome, samples: pd.DataFrame) -> str:
    rows = [
        [
            sample_button(i, row["sample_id"]),
            "<br>".join(f'<span class="whole">{escape(reason)}</span>' for reason in row["look_at"].split("; ")),
            row["part"],
            number(row["reference"]),
            number(row["predicted"]),
        ]
        for i, row in sorted(enumerate(samples.to_dict("records")), key=lambda one: -_worst(one[1]["look_at"]))
        if row["look_at"]
    ]
    if not rows:
        return "<p>None lies beyond a 99 % limit or three RMSECV off.</p>"
    shown = f"{len(rows)} of {len(samples)} samples" + (
        f", the first {MOST_FLAGGED}" if len(rows) > MOST_FLAGGED else ""
    )
    caption = (
        f"{shown}. T² and Q over their 99 % limits, errors over RMSECV, where beyond 1 and 3. By chance alone "
        "about one in a hundred exceeds each"
    )
    return table(["sample", "why", "part", "reference", "predicted"], rows[:MOST_FLAGGED], caption, texts=3)


def _worst(reasons: str) -> float:
    """Return how far a sample lies beyond what it exceeds most; 0 where it exceeds nothing."""
    found = [(reason.split(" x ")[0], abs(float(reason.split(" x ")[1]))) for reason in reasons.split("; ") if reason]
    return max((value / LARGE_RESIDUAL if name == "error" else value for name, value in found), default=0.0)


def _protocol(o: Outcome) -> str:
    about = o.model.about
    files = [f"<li><code>{escape(one['path'])}</code> <code>{one['sha256']}</code></li>" for one in about["sources"]]
    if len(files) > MOST_FILES:
        files = [*files[:MOST_FILES], f"<li>and {len(files) - MOST_FILES} more, in model.json</li>"]
    low, high = map(number, about["limits"])
    chosen = escape(choice_text(about["choice"], about["features"]))
    return (
        f"<ul>{_left_out(o)}<li>Test set: {escape(o.test_of)}.</li>"
        f"<li>{o.folds} folds of whole specimens; replicate scans and equal spectra stay together. "
        f"Seed {about['seed']}.</li>"
        f"<li>Chosen on all calibration samples for the kept model: {chosen}.</li>"
        "<li>Preprocessings tried for PLS and ridge: none, SNV, Savitzky-Golay first derivative (15 channels, degree "
        "2), both, AsLS baseline + SNV, EMSC. PLS: up to 25 latent variables.</li>"
        f"<li>Predictions are held between {low} and {high} {escape(o.target.unit)}: the range of the references and a "
        "quarter of it on either side.</li>"
        "<li>Limits: T² by the F distribution, Q by g χ²(h) with the moments of left-out samples, or the quantile of "
        "left-out samples where that is larger.</li></ul>"
        f"<p>Files, with their SHA-256:</p><ul>{''.join(files)}</ul>"
    )


def _left_out(o: Outcome) -> str:
    names = ", ".join(f"<code>{escape(name)}</code>" for name in o.model.about["left_out"])
    if not names:
        return ""
    return (
        f"<li><strong>Left out, as asked: {names}.</strong> All figures are of the others, and hold for samples like "
        "them.</li>"
    )


def _every(samples: pd.DataFrame) -> str:
    header = ["sample", "part", "reference", "predicted", "error"]
    rows = [
        [sample_button(i, row["sample_id"]), row["part"], *(number(row[name]) for name in header[2:])]
        for i, row in enumerate(samples.head(MOST_ROWS).to_dict("records"))
    ]
    shown = f"{len(rows)} of {len(samples)} samples; all of them stand in samples.csv"
    return f"<details><summary>Table of samples</summary>{table(header, rows, shown, texts=2)}</details>"
