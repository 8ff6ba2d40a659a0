"""What a calibration owes to its laboratory, in numbers and words."""

from dataclasses import replace

import numpy as np
import pytest

from etalon.applied.calibrate import calibrate
from etalon.applied.laboratory import beyond_text, sel_text, statistics
from etalon.applied.outcome import Wishes
from etalon.contracts import Laboratory
from etalon.reports.calibration import render, sample_table

from .conftest import PROTEIN, make_set


def with_laboratory(spectra, **known):
    about = Laboratory(PROTEIN.name, **known)
    return replace(spectra, metadata=replace(spectra.metadata, laboratory=(about,)))


def test_nothing_is_said_where_nothing_is_known(easy):
    assert statistics(easy, PROTEIN, {}) is None


def test_errors_are_given_once_more_without_what_was_not_measured(easy):
    spectra = with_laboratory(easy, below=("s001-0", "s001-1"), above=("s007-0",), beyond_limit="half")
    rows = np.arange(len(easy))
    y = easy.reference[:, 0]
    errors = np.random.default_rng(0).normal(0, 1, len(y))
    found = statistics(spectra, PROTEIN, {"rmsecv": (rows[20:], y[20:], (y + errors)[20:]), "rmsep": (rows[2:4],) * 3})
    assert (found["n_below"], found["n_above"], found["n_references"]) == (2, 1, len(y))
    assert found["rmsecv_measured"] == pytest.approx(np.sqrt(np.mean(errors[20:] ** 2)))  # s007 and s001 come before
    assert np.isnan(found["rmsep_measured"])  # a test set of rows 2 and 3 alone, none of them measured


def test_missing_references_are_counted_though_no_row_has_them():
    spectra = make_set("missing", n_specimens=20, scans=1)
    values = spectra.reference.copy()
    values[[3, 5, 8]] = np.nan  # the last one was simply not measured
    spectra = with_laboratory(replace(spectra, reference=values), below=("s003-0", "s005-0"), beyond_limit="missing")
    found = statistics(spectra, PROTEIN, {"rmsecv": (np.arange(3),) * 3})
    assert (found["n_below"], found["n_references"]) == (2, 19)
    assert "rmsecv_measured" not in found


@pytest.mark.parametrize(
    ("counts", "how", "text"),
    [
        ((7, 0), "half", "7 of 120 references below a limit, taken as half of it"),
        ((7, 0), "missing", "7 of 120 references below a limit, taken as not measured"),
        ((0, 2), "half", "2 of 120 references above a limit, taken as the limit itself"),
        (
            (7, 2),
            "half",
            "7 of 120 references below and 2 above a limit, taken as half of it where below, as the limit itself where "
            "above",
        ),
        ((7, 2), "limit", "7 of 120 references below and 2 above a limit, taken as the limit itself"),
    ],
)
def test_counts_in_words(counts, how, text):
    assert beyond_text(*counts, 120, how) == text


def test_sel_in_words():
    assert sel_text(0.1414, 1, 0.1, "%").startswith("0.141 % for one determination (1 degree of freedom), 0.1 % for")
    assert sel_text(0.0, 12, 0.0, "%") == "none: repeats are equal in every sample; copies of one determination?"


def test_a_model_records_them_and_samples_left_out_are_not_counted(easy):
    spectra = with_laboratory(
        easy,
        below=("s001-0", "s001-1", "s002-0"),
        beyond_limit="limit",
        sel=0.1,
        degrees_of_freedom=60,
        sel_of_references=0.07,
    )
    o = calibrate(spectra, PROTEIN, Wishes(method="tuned_pls", folds=3, leave_out=("s001",)))
    found = o.model.about["statistics"]["laboratory"]
    assert (found["sel"], found["n_below"], found["n_references"]) == (0.1, 1, len(easy) - 2)
    table = sample_table(o)
    assert table.loc[table["beyond_limit"] == "below", "sample_id"].tolist() == ["s002-0"]
    report = render(o)
    assert "1 of 118 references below a limit, taken as the limit itself" in report
    assert "No RMSEP is to be expected below the error of the references" in report


def test_a_report_without_a_laboratory_names_none(easy):
    o = calibrate(easy, PROTEIN, Wishes(method="tuned_pls", folds=2))
    assert o.model.about["statistics"]["laboratory"] is None
    assert "SEL" not in render(o)
    assert "beyond_limit" not in sample_table(o)
