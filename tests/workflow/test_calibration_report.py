"""The report of a calibration in a browser: whole in one file, seen, reached by keyboard, on a phone and in print."""

from pathlib import Path

import numpy as np
import pytest

from etalon.applied.calibrate import calibrate
from etalon.applied.outcome import Wishes
from etalon.contracts import Metadata, SpectraSet, Target
from etalon.reports.calibration import render
from report_pages import (
    HOSTILE,
    check_every_figure_is_seen,
    check_it_names_no_other_file,
    check_it_prints_on_white,
    check_nothing_is_fetched_or_goes_wrong,
    open_report,
)

FIGURES = ("methods", "agreement", "residuals", "distances", "components", "spectra", "map", "coefficients")
PROTEIN = Target("protein", "protein", "%")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    axis = np.linspace(1100.0, 2400.0, 50)
    shares = rng.uniform(0.1, 1.0, (60, 2))
    bands = np.exp(-0.5 * ((axis - np.array([[1450.0], [1930.0]])) / 80) ** 2)
    spectra = 0.3 + shares @ bands + rng.normal(0, 0.003, (60, 50))
    ids = np.array([f"s{i}" for i in range(59)] + [HOSTILE])
    metadata = Metadata("mine", "mine", "mine", "nir", "absorbance", "nm", targets=(PROTEIN,))
    values = SpectraSet(metadata, spectra, axis, ids, ids, 10 * shares[:, :1])
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(calibrate(values, PROTEIN, Wishes(method="tuned_pls", folds=3))))
    return path


@pytest.fixture(scope="module")
def opened(browser, written):
    return open_report(browser, written)


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


@pytest.mark.chromium
def test_text_has_contrast_in_both_schemes(opened):
    script = """(() => { const lum = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255)
        .map(x => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
        return .2126*v[0] + .7152*v[1] + .0722*v[2]; };
      const ground = lum(getComputedStyle(document.querySelector('figure')).backgroundColor);
      return [['figcaption','color'],['.tick','fill'],['.axis','fill'],['h1','color'],['button.sample','color']].map(
        ([s, p]) => { const l = lum(getComputedStyle(document.querySelector(s))[p]);
          return [s, (Math.max(l, ground) + .05) / (Math.min(l, ground) + .05)]; }); })()"""
    for scheme in ("light", "dark"):
        opened.look(1280, scheme)
        ratios = dict(opened.wait_for(script))
        assert min(ratios.values()) >= 4.5, (scheme, ratios)  # WCAG 2, AA


@pytest.mark.chromium
def test_figures_are_reached_and_read_by_keyboard(opened):
    opened.look(1280)
    opened.wait_for("(document.activeElement.blur(), window.scrollTo(0, 0), true)")
    reached = []
    for _ in range(60):
        opened.press("Tab")
        reached.append(opened.wait_for("document.activeElement.id || document.activeElement.className || 'body'"))
    assert set(FIGURES) - {"methods", "components", "coefficients"} <= set(reached)
    opened.wait_for("(document.getElementById('agreement').focus(), true)")
    opened.press("ArrowRight")
    assert opened.wait_for("!document.getElementById('tip').hidden")
    said = opened.wait_for("document.getElementById('spoken').textContent")
    assert "reference:" in said and "predicted:" in said
    # The sample is lit in every figure that shows it.
    assert opened.wait_for("document.querySelectorAll('.lit').length") >= 4
    opened.press("Escape")
    assert opened.wait_for("document.getElementById('tip').hidden")


@pytest.mark.chromium
def test_pointing_names_the_sample(opened):
    opened.look(1280)
    where = """(() => { const c = document.querySelector('#agreement circle.point');
      c.scrollIntoView({block: 'center'});
      const b = c.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2, c.dataset.i]; })()"""
    x, y, number = opened.wait_for(where)
    opened.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    name = opened.wait_for(f"samples[{number}][0][1]")
    assert opened.wait_for("document.getElementById('tip').textContent").startswith(name)


@pytest.mark.chromium
def test_what_cannot_be_seen_is_said(opened):
    said = opened.wait_for(
        "[...document.querySelectorAll('svg.plot')].map(s => s.getAttribute('aria-labelledby').split(' ')"
        ".map(id => document.getElementById(id).textContent))"
    )
    assert all(len(title) > 2 and len(description) > 20 for title, description in said)
    assert opened.wait_for("document.documentElement.lang") == "en"


@pytest.mark.chromium
def test_it_prints_on_white_with_every_figure(opened):
    check_it_prints_on_white(opened)
