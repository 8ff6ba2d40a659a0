"""Leave-one-dataset-out: who trains for whom, on what quantity, and which samples are local."""

import numpy as np
import pytest

from etalon.errors import NotRunError
from etalon.evaluate.lodo import intensities_as, load_members, local_draws, plan, thinned
from etalon.evaluate.lodo_grid import common_range, join, on_grid


@pytest.fixture(scope="module")
def folders(tmp_path_factory, toy):
    root = tmp_path_factory.mktemp("sets")
    toy(root / "one", "a", (1200, 2000, 8))
    toy(root / "one_again", "a", (1200, 2000, 8), overlaps="one")
    toy(root / "sibling", "a", (1200, 2000, 10))
    toy(root / "other", "b", (1300, 2100, 12), "reflectance_percent")
    toy(root / "derivative", "c", (1200, 2000, 8), "absorbance_derivative2")
    toy(root / "short", "d", (1200, 1400, 4))
    toy(root / "synthetic", "e", (1200, 2000, 8), synthetic=True)
    return {path.name: path for path in sorted(root.iterdir())}


@pytest.fixture(scope="module")
def members(folders):
    found, missing = load_members(folders.values(), {"one"})
    assert not missing
    return {member.dataset: member for member in found}


def test_a_group_holds_other_families_with_equal_analyte(members):
    assert set(members) == {"one", "sibling", "other", "derivative", "short"}  # neither synthetic nor overlapping ones
    assert {member.task.target for member in members.values()} == {"fat"}  # ash is measured by no two families
    transfer = plan(members["one"], members.values(), 400, seed=0)
    assert [source.member.dataset for source in transfer.sources] == ["other", "short"]
    assert transfer.left_out == {"derivative": "absorbance_derivative2 is not comparable with absorbance"}
    with pytest.raises(NotRunError, match="comparable quantity"):
        plan(members["derivative"], members.values(), 400, seed=0)


def test_reflectance_becomes_absorbance_where_sets_disagree(members):
    spectra = members["other"].spectra
    np.testing.assert_allclose(10 ** -intensities_as(spectra, "absorbance") * 100, spectra.intensities, rtol=1e-4)
    agreed = plan(members["other"], [members["other"], members["one"]], 400, seed=0)
    assert agreed.representation == "absorbance"
    assert intensities_as(spectra, "reflectance_percent") is spectra.intensities


def test_specimens_of_different_sets_are_different(members):
    transfer = plan(members["one"], members.values(), 400, seed=0)
    assert len(np.unique(transfer.specimens)) == 48 and len(transfer.specimens) == 52
    assert len(np.unique(transfer.families)) == 2


def test_thinning_keeps_whole_specimens(members):
    rows = thinned(members["one"], 12, seed=0)
    groups = members["one"].task.groups
    assert 10 <= len(rows) <= 12
    assert not set(groups[rows]) & set(np.delete(groups, rows))
    assert len(thinned(members["one"], 400, seed=0)) == 26


def test_draws_part_local_from_tested_specimens(members):
    draws, too_many = local_draws(members["one"], (5, 10, 20), 3, seed=0)
    assert too_many == [20]  # 24 specimens leave too few to test
    assert [(d.n, d.draw) for d in draws] == [(5, 0), (5, 1), (5, 2), (10, 0), (10, 1), (10, 2)]
    for d in draws:
        groups = members["one"].task.groups
        assert len(np.unique(groups[d.local])) == d.n
        assert not set(groups[d.local]) & set(groups[d.test])
        assert len(d.local) + len(d.test) == 26
    again, _ = local_draws(members["one"], (10,), 1, seed=0)
    np.testing.assert_array_equal(again[0].local, draws[3].local)


def test_the_common_range_never_falls_below_the_share():
    test = np.arange(1000.0, 2001.0)
    axes = [np.arange(900.0, 1600.0), np.arange(1400.0, 2100.0), np.arange(1900.0, 2500.0)]
    assert common_range(test, axes, 0.5) == (1400.0, 2000.0, [1])  # the first alone would do, both would leave 20 %
    assert common_range(test, axes, 0.15) == (1400.0, 1599.0, [0, 1])
    assert common_range(test, axes[2:], 0.5)[2] == []


def test_joined_spectra_lie_on_the_coarsest_step(members):
    transfer = plan(members["one"], members.values(), 400, seed=0)
    settings = {"asls": {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0}}
    joint = join(transfer, 0.5, settings | {"savgol_window": 7, "savgol_order": 2})
    assert [source.member.dataset for source in joint.transfer.sources] == ["other"]
    assert "short" in joint.transfer.left_out
    assert joint.grid[0] == 1300.0 and joint.grid[-1] <= 1992.0 and np.allclose(np.diff(joint.grid), 12.0)
    assert len(joint.views.source("none")) == 26 + 26 and joint.n_source == 26


def test_interpolation_does_not_mind_the_direction_of_an_axis():
    axis, grid = np.array([4000.0, 3000.0, 2000.0]), np.array([2000.0, 2500.0, 3999.0])
    np.testing.assert_allclose(on_grid(np.array([[4.0, 3.0, 2.0]]), axis, grid), [[2.0, 2.5, 3.999]])
