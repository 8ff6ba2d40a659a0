"""Files are whole or absent, and a dataset comes back as it was saved."""

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from etalon import storage
from etalon.contracts import Metadata, SpectraSet, Target
from etalon.errors import BadInputError, NotRunError
from etalon.storage import (
    load_baseline,
    load_json,
    load_set,
    replacing,
    save_array,
    save_json,
    save_set,
    save_table,
    save_unavailable,
)


def make(**fields) -> SpectraSet:
    said = Metadata("mine", "mine", "Mine", "nir", "absorbance", "nm", targets=(Target("fat", "fat", "%"),))
    known = {"metadata": said, "intensities": np.eye(2, 3), "wavelengths": [1, 2, 3], "sample_id": ["a", "b"]}
    return SpectraSet(**{**known, "specimen": ["a", "b"], "reference": [[1.0], [np.nan]], **fields})


def same(first: SpectraSet, second: SpectraSet) -> bool:
    numbers = ("intensities", "wavelengths", "reference")
    texts = ("sample_id", "specimen", "split", "label")
    return (
        first.metadata == second.metadata
        and all(np.array_equal(getattr(first, n), getattr(second, n), equal_nan=True) for n in numbers)
        and all(np.array_equal(getattr(first, t), getattr(second, t)) for t in texts)
    )


# One file


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("before", [None, "old"])
def test_a_failure_in_the_middle_leaves_what_stood_there(tmp_path, error, before):
    path = tmp_path / "file.txt"
    if before:
        path.write_text(before)
    with pytest.raises(error), replacing(path) as temporary:
        temporary.write_text("half")
        raise error
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == ([("file.txt", before)] if before else [])


@pytest.mark.parametrize(
    "save",
    [
        lambda path: save_array(path, np.array([{}], dtype=object)),
        lambda path: save_json(path, {"a": float("nan")}),
        lambda path: save_json(path, {"a": object()}),
        lambda path: save_table(path, pd.DataFrame({"a": [{1}, "text"]})),
    ],
    ids=["array of objects", "NaN in JSON", "object in JSON", "mixed column"],
)
def test_what_cannot_be_saved_leaves_no_file(tmp_path, save):
    with pytest.raises((ValueError, TypeError)):
        save(tmp_path / "deep" / "file")
    assert list(tmp_path.rglob("*.*")) == []
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_the_file_is_not_there_until_it_is_whole(tmp_path):
    with replacing(tmp_path / "file.txt") as temporary:
        temporary.write_text("whole")
        assert not (tmp_path / "file.txt").exists()
        assert temporary.parent == tmp_path  # a rename within one file system is atomic
    assert (tmp_path / "file.txt").read_text() == "whole"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_others_may_read_what_the_umask_lets_them(tmp_path):
    mask = os.umask(0o027)
    try:
        save_json(tmp_path / "file.json", {})
        assert (tmp_path / "file.json").stat().st_mode & 0o777 == 0o640
        assert os.umask(0o027) == 0o027  # reading the umask has not changed it
    finally:
        os.umask(mask)


def test_json_keeps_letters_and_says_where_it_is_wrong(tmp_path):
    save_json(tmp_path / "a.json", {"süß": [1, None, "µ"]})
    assert "süß" in (tmp_path / "a.json").read_text(encoding="utf-8")
    assert load_json(tmp_path / "a.json") == {"süß": [1, None, "µ"]}
    (tmp_path / "b.json").write_text('{"a": 1,\n}')
    with pytest.raises(BadInputError, match=r"b\.json: line 2: expected valid JSON"):
        load_json(tmp_path / "b.json")
    (tmp_path / "c.json").write_bytes('"ü"'.encode("latin-1"))
    with pytest.raises(BadInputError, match=r"c\.json: file: expected JSON in UTF-8"):
        load_json(tmp_path / "c.json")


# A dataset

TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8
)  # NumPy drops NULs at the end


@st.composite
def sets(draw):
    n_samples, n_channels, n_targets = draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(st.integers(0, 3))
    names = draw(st.lists(TEXT.filter(bool), min_size=n_targets, max_size=n_targets, unique=True))
    targets = tuple(
        Target(n, draw(TEXT), draw(TEXT.filter(bool)), draw(st.sampled_from(["dry", "as_is"]))) for n in names
    )
    one_each = st.lists(TEXT, min_size=n_samples, max_size=n_samples)
    said = Metadata(
        dataset_id="mine",
        family=draw(TEXT),
        title=draw(TEXT),
        modality=draw(st.sampled_from(["nir", "raman"])),
        representation="absorbance",
        axis_unit="nm",
        targets=targets,
        label=draw(st.none() | TEXT),
        published_split=draw(st.none() | st.just({"folds": True}) | st.just({"train": ["a"], "test": ["b", "c"]})),
        spectral_range=draw(st.none() | st.just((1.5, 2.0))),
    )
    axis = st.lists(st.floats(0.1, 1e5), min_size=n_channels, max_size=n_channels, unique=True)
    values = arrays.arrays(np.float32, (n_samples, n_channels), elements=st.floats(-(2.0**99), 2.0**99, width=32))
    reference = arrays.arrays(np.float64, (n_samples, n_targets), elements=st.floats(allow_infinity=False))
    return SpectraSet(
        metadata=said,
        intensities=draw(values),
        wavelengths=sorted(draw(axis)),
        sample_id=draw(st.lists(TEXT, min_size=n_samples, max_size=n_samples, unique=True)),
        specimen=draw(one_each),
        reference=draw(reference),
        split=draw(st.none() | one_each),
        label=draw(st.none() | one_each),
    )


@given(sets())
@settings(deadline=None)
def test_a_set_comes_back_as_it_was_saved(spectra):
    with tempfile.TemporaryDirectory() as folder:
        save_set(folder, spectra)
        assert same(load_set(folder), spectra)


def test_saving_twice_gives_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        save_set(tmp_path / folder, make())
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


@pytest.mark.parametrize("step", ["save_array", "save_table", "save_json"])
def test_a_set_that_is_saved_in_part_is_no_set(tmp_path, monkeypatch, step):
    """Also where a complete one stood before: its metadata must not vouch for a mixture of two sets."""
    save_set(tmp_path, make())

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage, step, fail)
    with pytest.raises(OSError, match="No space"):
        save_set(tmp_path, make(intensities=np.ones((2, 3))))
    with pytest.raises(BadInputError, match=r"metadata\.json: file: expected a dataset in the data contract"):
        load_set(tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_targets_of_an_older_set_do_not_stay_behind(tmp_path):
    save_set(tmp_path, make())
    unlabelled = Metadata("mine", "mine", "Mine", "nir", "absorbance", "nm")
    save_set(tmp_path, make(metadata=unlabelled, reference=np.empty((0, 0))))
    assert not (tmp_path / "targets.npy").exists()
    assert load_set(tmp_path).reference.shape == (2, 0)


def test_a_set_that_cannot_be_had_says_why(tmp_path):
    save_unavailable(tmp_path / "mine", "mine", "the server answered 404")
    with pytest.raises(NotRunError) as caught:
        load_set(tmp_path / "mine")
    assert caught.value.reason == "the server answered 404"
    assert str(caught.value) == "not run: the server answered 404"
    save_set(tmp_path / "mine", make())
    assert same(load_set(tmp_path / "mine"), make())


@pytest.mark.parametrize("name", ["spectra.npy", "wavelengths.npy", "targets.npy", "samples.parquet", "metadata.json"])
@pytest.mark.parametrize("damage", ["missing", "empty", "half", "text"])
def test_a_damaged_file_is_named(tmp_path, name, damage):
    save_set(tmp_path, make())
    path = tmp_path / name
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes({"empty": b"", "half": content[: len(content) // 2], "text": b"spectra"}[damage])
    with pytest.raises(BadInputError) as caught:
        load_set(tmp_path)
    assert caught.value.where == str(path)


def test_pickled_objects_are_never_loaded(tmp_path):
    save_set(tmp_path, make())
    np.save(tmp_path / "spectra.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    with pytest.raises(BadInputError, match=r"spectra\.npy"):
        load_set(tmp_path)


@pytest.mark.parametrize("content", [[], "text", 5, None])
def test_metadata_is_one_object(tmp_path, content):
    (tmp_path / "metadata.json").write_text(json.dumps(content))
    with pytest.raises(BadInputError, match="one JSON object"):
        load_set(tmp_path)


def test_samples_without_specimens(tmp_path):
    save_set(tmp_path, make())
    save_table(tmp_path / "samples.parquet", pd.DataFrame({"sample_id": ["a", "b"]}))
    with pytest.raises(BadInputError, match="no specimen"):
        load_set(tmp_path)


def test_the_baseline_is_of_the_same_shape(tmp_path):
    spectra = make()
    save_array(tmp_path / "baseline_asls.npy", np.zeros((2, 3), np.float32))
    assert load_baseline(tmp_path, spectra).shape == (2, 3)
    save_array(tmp_path / "baseline_asls.npy", np.empty((0, 0), np.float32))
    with pytest.raises(BadInputError, match=r"expected \(2, 3\), found \(0, 0\)"):
        load_baseline(Path(tmp_path), spectra)
