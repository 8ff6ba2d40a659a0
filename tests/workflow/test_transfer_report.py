"""The report of a transfer: right in its numbers, whole in one file, seen on a desk, on a phone and in print."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from etalon.applied.bridge import Bridge
from etalon.applied.transfer import compare, settle
from etalon.applied.transfer_model import transfer_model
from etalon.contracts import Metadata, SpectraSet, Target
from etalon.evaluate.metrics import rmsep
from etalon.reports.transfer import Carried, render, sample_table
from report_pages import (
    HOSTILE,
    check_every_figure_is_seen,
    check_it_names_no_other_file,
    check_it_prints_on_white,
    check_nothing_is_fetched_or_goes_wrong,
    open_report,
)

FIGURES = ("methods", "agreement", "residuals", "spectra", "difference")
NAMES = ("none", "bias", "ds", "sbc", "di_pls")
PROTEIN = Target("protein", "protein", "%")
AXIS = np.linspace(1100.0, 2400.0, 50)


def measured(name: str, n: int, gain: float) -> SpectraSet:
    shares = np.random.default_rng(0).uniform(0.1, 1.0, (40, 2))[:n]
    bands = np.exp(-0.5 * ((AXIS - np.array([[1450.0], [1930.0]])) / 80) ** 2)
    noise = np.random.default_rng(n).normal(0, 0.003, (2 * n, 50))
    specimen = np.repeat([HOSTILE, *(f"s{i}" for i in range(1, n))], 2)
    ids = np.array([f"{one} {k % 2}" for k, one in enumerate(specimen)])
    metadata = Metadata(name, name, name, "nir", "absorbance", "nm", targets=(PROTEIN,))
    spectra = gain * (0.3 + np.repeat(shares @ bands, 2, axis=0)) + noise
    return SpectraSet(metadata, spectra, AXIS, ids, specimen, np.repeat(10 * shares[:, :1], 2, axis=0))


@pytest.fixture(scope="module")
def carried() -> Carried:
    bridge = Bridge.build(measured("lab", 40, 1.0), measured("handheld", 16, 1.3), PROTEIN)
    found = compare(bridge, 1, names=NAMES)
    setting = settle(bridge, bridge.shared, bridge.shared[:0], 1)
    model = transfer_model(setting, found, found.recommended, PROTEIN, 1)
    best = min(found.standardised, key=lambda one: one.rmse)
    return Carried(bridge, found, found.recommended, best, setting, PROTEIN, model)


@pytest.fixture(scope="module")
def written(carried, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(carried))
    return path


@pytest.fixture(scope="module")
def opened(browser, written):
    return open_report(browser, written)


def test_the_table_of_samples_says_what_the_comparison_found(carried):
    samples = sample_table(carried)
    target = carried.bridge.target
    by_id = pd.Series(target.reference[:, 0], target.sample_id)
    np.testing.assert_allclose(samples["reference"], by_id[samples["sample_id"]])
    assert sorted(samples["sample_id"]) == sorted(target.sample_id)
    assert rmsep(samples["reference"], samples["predicted"]) == pytest.approx(carried.kept.rmse)
    assert rmsep(samples["reference"], samples["uncorrected"]) == pytest.approx(carried.uncorrected.rmse)
    np.testing.assert_allclose(samples["error"], samples["predicted"] - samples["reference"])
    assert carried.kept.rmse < 0.5 * carried.uncorrected.rmse


def test_what_could_not_run_says_why(carried, written):
    assert "not run: " in written.read_text()
    assert f"<strong>{carried.found.recommended.name}</strong>" in written.read_text()


def test_the_file_names_no_other_file(written):
    check_it_names_no_other_file(written.read_text())


@pytest.mark.chromium
def test_nothing_is_fetched_and_nothing_goes_wrong(opened):
    check_nothing_is_fetched_or_goes_wrong(opened)


@pytest.mark.chromium
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_figure_is_seen_and_nothing_is_wider_than_the_page(opened, width, scheme):
    check_every_figure_is_seen(opened, FIGURES, width, scheme)
    # On a desk the table of methods stands beside its figure without a bar to scroll it.
    table = opened.wait_for("(s => [s.scrollWidth, s.clientWidth])(document.querySelector('.scroll'))")
    assert width < 500 or table[0] <= table[1]


@pytest.mark.chromium
def test_a_scan_is_lit_in_every_figure_by_keyboard(opened):
    opened.look(1280)
    opened.wait_for("(document.getElementById('agreement').focus(), true)")
    opened.press("ArrowRight")
    said = opened.wait_for("document.getElementById('spoken').textContent")
    assert "reference:" in said and "uncorrected:" in said
    lit = opened.wait_for("[...new Set([...document.querySelectorAll('.lit')].map(m => m.closest('svg').id))]")
    assert set(lit) >= {"agreement", "residuals"}
    opened.press("Escape")
    assert opened.wait_for("document.getElementById('tip').hidden")


@pytest.mark.chromium
def test_it_prints_on_white_with_every_figure(opened):
    check_it_prints_on_white(opened)
