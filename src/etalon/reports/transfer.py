"""The report of a calibration that was carried to another instrument: what it is worth there, to be read and signed."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from etalon.applied.bridge import Bridge
from etalon.applied.model import Model
from etalon.applied.transfer import NONE, Candidate, Comparison, Setting
from etalon.contracts import SpectraSet, Target
from etalon.evaluate import metrics
from etalon.reports.page import page, sample_button, table
from etalon.reports.svg import number
from etalon.reports.transfer_figures import Drawing, methods

MOST_ROWS, MOST_FILES = 200, 20


@dataclass(frozen=True)
class Carried:
    """A transfer, and what was kept of it: the model's method, the method of the written spectra, the model."""

    bridge: Bridge
    found: Comparison
    kept: Candidate
    best: Candidate
    setting: Setting
    target: Target
    model: Model

    @property
    def uncorrected(self) -> Candidate:
        return next(one for one in self.found.candidates if one.name == NONE)


def sample_table(carried: Carried) -> pd.DataFrame:
    """Return one row a scan of a transfer sample on the second instrument: reference, predictions of left-out ones."""
    bridge, found = carried.bridge, carried.found
    reference = bridge.y_shared[np.searchsorted(bridge.shared, found.specimens)]
    return pd.DataFrame(
        {
            "sample_id": bridge.target.sample_id[found.rows],
            "specimen": found.specimens,
            "reference": reference,
            "uncorrected": reference + carried.uncorrected.errors,
            "predicted": reference + carried.kept.errors,
            "error": carried.kept.errors,
        }
    )


def render(carried: Carried) -> str:
    """Return the report as HTML."""
    samples, unit = sample_table(carried), carried.target.unit
    named = [
        [
            ("", str(row["sample_id"])),
            ("reference", f"{number(row['reference'])} {unit}"),
            ("uncorrected", f"{number(row['uncorrected'])} {unit}"),
            (f"by {carried.kept.name}", f"{number(row['predicted'])} {unit}"),
            ("error", number(row["error"])),
        ]
        for row in samples.to_dict("records")
    ]
    bridge = carried.bridge
    drawing = Drawing(bridge, carried.found, carried.kept, carried.best, carried.setting, carried.target)
    body = "\n".join(
        [
            _head(carried),
            f"<h2>Methods</h2>{_methods(carried)}",
            f'<h2 id="figures">Figures</h2>{_key(carried)}<div class="figures">{"".join(drawing.figures())}</div>',
            f"<h2>Spectra as of the first instrument</h2>{_standardised(carried)}",
            f"<h2>How it was done</h2>{_protocol(carried)}",
            f"<h2>Every transfer sample</h2>{_every(samples, carried)}",
        ]
    )
    first, second = (one.metadata.dataset_id for one in (bridge.source, bridge.target))
    return page(f"{carried.target.name}: from {first} to {second}", body, named)


def _head(c: Carried) -> str:
    unit = escape(c.target.unit)
    ratio, low, high = c.kept.ratio
    interval = c.model.about["quantiles"]["0.9"]
    facts = [
        ("method of the model", escape(c.kept.name)),
        ("RMSE as it is", f"{number(c.uncorrected.rmse)} <small>{unit}</small>"),
        ("RMSE by the model's method", f"{number(c.kept.rmse)} <small>{unit}</small>"),
        ("relative to no correction", f"{ratio:.2f} <small>{low:.2f} to {high:.2f}</small>"),
        ("RMSE of choosing so", f"{number(c.found.honest)} <small>{unit}</small>"),
        ("90 % interval", "too few" if interval is None else f"±{number(interval)} <small>{unit}</small>"),
        ("transfer samples", f"{len(c.bridge.shared)} <small>specimens on both</small>"),
        ("channels", f"{len(c.bridge.grid.wavelengths)} <small>that both cover</small>"),
    ]
    shown = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    about = c.model.about
    first, second = (escape(one.metadata.dataset_id) for one in (c.bridge.source, c.bridge.target))
    return (
        f"<h1>{escape(c.target.name)} from {first} to {second}</h1>"
        f'<p class="soft">A calibration of {first} used on spectra of {second}; etalon {escape(about["etalon"])}, '
        f'{escape(about["created"][:16].replace("T", " "))} UTC</p><dl class="facts">{shown}</dl>'
    )


def _methods(c: Carried) -> str:
    rows, kept = [], None
    order = sorted(c.found.candidates, key=lambda one: (one.not_run is not None, one.rmse))
    for place, one in enumerate(order):
        kept = place if one is c.kept else kept
        name = f'<code class="whole">{one.name}</code>'
        if one.not_run is not None:
            rows.append([f"{name}<br>not run: {escape(one.not_run)}", "", "", "", ""])
            continue
        ratio, low, high = one.ratio
        interval = "" if one.name == NONE else f"<br>{low:.2f} to {high:.2f}"
        bias, sep = (metric(np.zeros(len(one.errors)), one.errors) for metric in (metrics.bias, metrics.sep))
        rows.append([name, number(one.rmse), number(bias), number(sep), f"{ratio:.2f}{interval}"])
    header = ["method", "RMSE", "bias", "SEP", "to none"]
    caption = (
        f"Errors in {c.target.unit} of scans of left-out transfer samples on the second instrument; ratio to none (no "
        "correction) with 95 % interval"
    )
    said = f"Recommended: <strong>{escape(c.found.recommended.name)}</strong>. {escape(c.found.why)}"
    if c.kept is not c.found.recommended:
        said += f" The model is by <strong>{escape(c.kept.name)}</strong>: it was asked for."
    honest = (
        "Choosing the best of several flatters it. Each fold predicted by the method that the others recommend has an "
        f"RMSE of {number(c.found.honest)} {escape(c.target.unit)}: expect that of new samples. The interval of a "
        "recommended method is a quantile of these errors."
    )
    figures = f'<div class="figures">{methods(c.found, c.kept)}<div>{table(header, rows, caption, kept)}</div></div>'
    return f"<p>{said}</p><p>{honest}</p>{figures}"


def _key(c: Carried) -> str:
    after = "" if c.kept.name == NONE else f"<span><i></i>by {escape(c.kept.name)}</span>"
    return (
        f'<p class="key"><span><i class="test"></i>as it is</span>{after}'
        '<span class="screen">Point at a sample, or go to a figure and use the arrow keys: it is lit in all figures.'
        "</span></p>"
    )


def _standardised(c: Carried) -> str:
    rows = []
    for one in sorted(c.found.standardised, key=lambda one: one.rmse):
        ratio, low, high = one.ratio
        rows.append(
            [f'<code class="whole">{one.name}</code>', number(one.rmse), f"{ratio:.2f}<br>{low:.2f} to {high:.2f}"]
        )
    caption = f"RMSE in {c.target.unit} of the unchanged calibration on standardised spectra of left-out samples"
    return (
        f"<p>The written spectra are by <strong>{escape(c.best.name)}</strong>. They serve other targets and other "
        "programs; for this target the model is the shorter way.</p>"
        + table(["method", "RMSE", "to no correction, 95 % interval"], rows, caption)
    )


def _files(spectra: SpectraSet) -> str:
    sources = spectra.metadata.sources
    files = [f"<li><code>{escape(one.path)}</code> <code>{one.sha256}</code></li>" for one in sources[:MOST_FILES]]
    if len(sources) > MOST_FILES:
        files.append(f"<li>and {len(sources) - MOST_FILES} more, in metadata.json of the set</li>")
    return f"<p>Files of {escape(spectra.metadata.dataset_id)}, with their SHA-256:</p><ul>{''.join(files)}</ul>"


def _protocol(c: Carried) -> str:
    choice, channels, unit = c.setting.fitted.choice, c.bridge.grid.wavelengths, c.bridge.grid.axis_unit
    low, high = map(number, c.setting.limits)
    covered = f"{channels[0]:.6g} to {channels[-1]:.6g} {escape(unit)}"
    return (
        f"<ul><li>Transfer samples: {len(c.bridge.shared)} specimens of one name in both sets, with a reference; "
        f"{len(c.found.specimens)} scans of them on the second instrument.</li>"
        f"<li>Channels: those of the first instrument that both cover, {covered}; the second's are interpolated.</li>"
        "<li>Folds of transfer samples: those left out are left out of the calibration too, of the choice of its "
        f"preprocessing and of its number of latent variables. Seed {c.model.about['seed']}.</li>"
        f"<li>The calibration on all samples: PLS, preprocessing {escape(choice.preprocessing)}, "
        f"{choice.settings['n_lv']} latent variables.</li>"
        "<li>Recommended is the method of the smallest RMSE where its whole 95 % interval lies below no correction; "
        "else none.</li>"
        f"<li>Predictions are held between {low} and {high} {escape(c.target.unit)}.</li></ul>"
        + _files(c.bridge.source)
        + _files(c.bridge.target)
    )


def _every(samples: pd.DataFrame, c: Carried) -> str:
    header = ["scan", "specimen", "reference", "as it is", f"by {escape(c.kept.name)}", "error"]
    order = samples["error"].abs().sort_values(ascending=False, kind="stable").index[:MOST_ROWS]
    rows = [
        [
            sample_button(i, row["sample_id"]),
            escape(str(row["specimen"])),
            *(number(row[name]) for name in ("reference", "uncorrected", "predicted", "error")),
        ]
        for i, row in zip(order, samples.loc[order].to_dict("records"), strict=True)
    ]
    shown = f"{len(rows)} of {len(samples)} scans, the largest errors first; all of them stand in samples.csv"
    return f"<details><summary>Table of samples</summary>{table(header, rows, shown, texts=2)}</details>"
