"""A SpectraSet cannot be made of numbers that do not fit together."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from etalon.contracts import REPRESENTATIONS, Laboratory, Metadata, Source, SpectraSet, Target
from etalon.errors import BadInputError

PROTEIN = Target("protein", "protein", "%", "dry")


def metadata(**fields) -> Metadata:
    known = {"dataset_id": "mine", "family": "mine", "title": "Mine", "modality": "nir"}
    return Metadata(**{**known, "representation": "absorbance", "axis_unit": "nm", **fields})


def make(n_samples=3, n_channels=4, **fields) -> SpectraSet:
    ids = [f"s{i}" for i in range(n_samples)]
    known = {
        "metadata": metadata(targets=(PROTEIN,)),
        "intensities": np.arange(n_samples * n_channels, dtype=float).reshape(n_samples, n_channels) / 10,
        "wavelengths": 1100.0 + 2 * np.arange(n_channels),
        "sample_id": ids,
        "specimen": ids,
        "reference": np.full((n_samples, 1), 12.5),
    }
    return SpectraSet(**{**known, **fields})


def refuse(**fields) -> BadInputError:
    with pytest.raises(BadInputError) as caught:
        make(**fields)
    assert caught.value.where == "mine"
    return caught.value


def replaced(array, index, value):
    array = np.array(array, dtype=float)
    array[index] = value
    return array


def test_types_are_those_of_the_contract():
    spectra = make(split=["train", "train", "test"], label=["a", "b", "b"])
    assert spectra.intensities.dtype == np.float32
    assert spectra.wavelengths.dtype == np.float64
    assert spectra.reference.dtype == np.float64
    assert all(getattr(spectra, name).dtype.kind == "U" for name in ("sample_id", "specimen", "split", "label"))
    assert len(spectra) == 3


def test_without_targets_the_reference_has_no_columns():
    assert make(metadata=metadata(), reference=np.empty((0, 0))).reference.shape == (3, 0)


def test_it_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make().wavelengths = np.arange(4.0)


def test_the_arrays_given_are_not_changed():
    given_arrays = {"intensities": np.ones((3, 4), np.float32), "wavelengths": np.arange(1.0, 5.0)}
    for array in given_arrays.values():
        array.flags.writeable = False
    make(**given_arrays)
    assert (given_arrays["intensities"] == 1).all()


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("spectra", {"intensities": np.empty((0, 4))}),
        ("spectra", {"intensities": np.empty((3, 0))}),
        ("spectra", {"intensities": np.ones(4)}),
        ("spectra", {"intensities": np.ones((3, 4, 1))}),
        ("wavelengths", {"wavelengths": np.arange(5.0)}),
        ("wavelengths", {"wavelengths": np.arange(4.0)[:, None]}),
        ("targets", {"reference": np.ones((3, 2))}),
        ("targets", {"reference": np.ones((2, 1))}),
        ("targets", {"reference": np.ones(3)}),
        ("targets", {"reference": np.empty((0, 0))}),
        ("sample_id", {"sample_id": ["a", "b"]}),
        ("specimen", {"specimen": ["a", "b", "c", "d"]}),
        ("split", {"split": ["a", "b"]}),
        ("label", {"label": [["a", "b", "c"]]}),
    ],
)
def test_shapes_that_disagree(field, fields):
    assert refuse(**fields).field == field


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_intensities_are_finite(value):
    error = refuse(intensities=replaced(np.ones((3, 4)), (2, 1), value))
    assert (error.field, error.found) == ("spectra", f"{np.float32(value)} in row 2, channel 1 (1 in all)")


@pytest.mark.parametrize(
    ("wavelengths", "found"),
    [
        ([1, 2, 2, 3], "a repeated value: 2 then 2 at channel 2"),
        ([1, 3, 2, 4], "a step back: 3 then 2 at channel 2"),
        ([4, 3, 2, 1], "a step back: 4 then 3 at channel 1"),
        ([1, 2, np.nan, 4], "nan at channel 2"),
        ([1, 2, 3, np.inf], "inf at channel 3"),
    ],
)
def test_the_axis_strictly_increases(wavelengths, found):
    error = refuse(wavelengths=wavelengths)
    assert (error.field, error.found) == ("wavelengths", found)


def test_laboratory_values_may_be_missing_and_not_infinite():
    assert np.isnan(make(reference=[[1.0], [np.nan], [2.0]]).reference[1, 0])
    error = refuse(reference=[[1.0], [-np.inf], [2.0]])
    assert (error.field, error.found) == ("targets.protein", "infinity in row 1")


def test_sample_ids_are_unique_and_specimens_are_not():
    assert make(specimen=["a", "a", "b"]).specimen.tolist() == ["a", "a", "b"]
    assert refuse(sample_id=["a", "b", "a"]).found == "'a' 2 times"


@pytest.mark.parametrize(
    ("field", "value"),
    [("modality", "NIR"), ("modality", ""), ("axis_unit", "cm"), ("representation", "absorbence"), ("axis_unit", None)],
)
def test_words_outside_the_vocabularies(field, value):
    error = refuse(metadata=metadata(targets=(PROTEIN,), **{field: value}))
    assert (error.field, error.found) == (field, repr(value))


@pytest.mark.parametrize(
    ("field", "target"),
    [
        ("targets.protein.unit", dataclasses.replace(PROTEIN, unit="")),
        ("targets.protein.basis", dataclasses.replace(PROTEIN, basis="wet")),
    ],
)
def test_targets_have_a_unit_and_a_known_basis(field, target):
    assert refuse(metadata=metadata(targets=(target,))).field == field


def test_names_of_targets_are_unique():
    other = dataclasses.replace(PROTEIN, unit="g/kg")
    assert refuse(metadata=metadata(targets=(PROTEIN, other)), reference=np.ones((3, 2))).field == "targets"


@pytest.mark.parametrize("representation", [name for name, limit in REPRESENTATIONS.items() if limit is not None])
def test_the_scale_fits_the_representation(representation):
    limit = REPRESENTATIONS[representation]
    said = metadata(representation=representation, targets=(PROTEIN,))
    make(metadata=said, intensities=np.full((3, 4), 0.99 * limit))
    error = refuse(metadata=said, intensities=np.full((3, 4), 1.01 * limit))
    assert error.field == "spectra"
    assert ("percent declared as a fraction?" in error.found) == (not representation.endswith("percent"))


def test_one_bright_channel_is_no_wrong_scale():
    intensities = np.full((3, 400), 0.5)
    intensities[0, 0] = 3.0
    said = metadata(representation="reflectance", targets=(PROTEIN,))
    make(metadata=said, intensities=intensities, wavelengths=np.arange(1.0, 401.0))


@given(
    arrays.arrays(
        np.float64,
        arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6),
        elements=st.floats(width=32),
    ),
    st.data(),
)
@settings(deadline=None)
def test_what_is_made_keeps_the_promises(intensities, data):
    """Whatever is offered: either an error, or shapes agree, the axis increases, numbers are finite, ids unique."""
    axis = arrays.arrays(np.float64, intensities.shape[1] + data.draw(st.integers(0, 1)), elements=st.floats(0, 9))
    ids = st.lists(st.sampled_from("abcdefgh"), min_size=len(intensities), max_size=len(intensities))
    names = data.draw(ids)
    wavelengths = data.draw(axis)
    try:
        spectra = make(
            metadata=metadata(),
            intensities=intensities,
            wavelengths=wavelengths,
            sample_id=names,
            specimen=names,
            reference=np.empty((0, 0)),
        )
    except BadInputError:
        assert (
            len(wavelengths) != intensities.shape[1]
            or not (np.diff(wavelengths) > 0).all()
            or not np.isfinite(intensities).all()
            or len(set(names)) < len(names)
        )
    else:
        assert spectra.intensities.shape == (len(spectra.sample_id), len(spectra.wavelengths))
        assert (np.diff(spectra.wavelengths) > 0).all()
        assert np.array_equal(spectra.intensities, intensities)
        assert len(set(spectra.sample_id)) == len(spectra)


def test_metadata_comes_back_from_json():
    said = metadata(
        spectral_range=(1100.0, 2498.0),
        spectral_step=2.0,
        targets=(PROTEIN,),
        published_split={"train": ["Cal"], "test": ["Val"]},
        paired_with=("corn_mp5", "corn_mp6"),
        overlaps="corn_m5",
        sources=(Source("corn/corn.jld2", "https://example.org/corn.jld2", "0" * 64),),
        label="süß",
    )
    assert Metadata.from_json(json.loads(json.dumps(said.to_json()))) == said


def test_an_unknown_key_of_the_metadata_is_named():
    with pytest.raises(BadInputError) as caught:
        Metadata.from_json({**metadata().to_json(), "lamda": 1}, where="here/metadata.json")
    assert (caught.value.where, caught.value.field) == ("here/metadata.json", "lamda")


@pytest.mark.parametrize(
    "change",
    [
        {"targets": [{"name": "protein"}]},
        {"targets": [{**dataclasses.asdict(PROTEIN), "units": "%"}]},
        {"targets": None},
        {"targets": [3]},
        {"sources": [{"path": "a"}]},
        {"spectral_range": [1.0]},
        {"spectral_range": 5},
    ],
    ids=str,
)
def test_metadata_of_another_form_is_one_error(change):
    with pytest.raises(BadInputError, match=r"metadata\.json"):
        Metadata.from_json({**metadata().to_json(), **change})


def test_a_key_that_is_missing():
    content = metadata().to_json()
    del content["modality"]
    with pytest.raises(BadInputError, match="modality"):
        Metadata.from_json(content)


@pytest.mark.parametrize("name", ["sample_id", "specimen", "label"])
def test_a_sample_without_a_name_is_refused(name):
    error = refuse(**{name: ["a", "", "c"]})
    assert (error.field, error.found) == (name, "none in row 1")


LABORATORY = Laboratory("protein", ("s1",), (), "half", 0.2, 12, 0.15)


def test_what_is_known_of_the_laboratory_survives_json():
    about = metadata(targets=(PROTEIN,), laboratory=(LABORATORY,))
    assert Metadata.from_json(json.loads(json.dumps(about.to_json()))) == about
    make(metadata=about)


def test_sets_written_before_laboratories_were_recorded_are_read():
    content = metadata(targets=(PROTEIN,)).to_json()
    del content["laboratory"]
    assert Metadata.from_json(content) == metadata(targets=(PROTEIN,))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"target": "fat"}, "laboratory.fat"),
        ({"beyond_limit": "zero"}, "laboratory.protein.beyond_limit"),
        ({"beyond_limit": None}, "laboratory.protein.beyond_limit"),
        ({"below": ()}, "laboratory.protein.beyond_limit"),
        ({"sel": -0.1}, "laboratory.protein.sel"),
        ({"sel": float("nan")}, "laboratory.protein.sel"),
        ({"sel": "0.2"}, "laboratory.protein.sel"),
        ({"degrees_of_freedom": 0}, "laboratory.protein.sel"),
        ({"sel_of_references": float("inf")}, "laboratory.protein.sel_of_references"),
    ],
)
def test_what_cannot_be_true_of_a_laboratory(fields, field):
    wrong = dataclasses.replace(LABORATORY, **fields)
    assert refuse(metadata=metadata(targets=(PROTEIN,), laboratory=(wrong,))).field == field


@pytest.mark.parametrize("laboratory", ["x", [1], [{"targets": "protein"}], [{"target": "protein", "below": 3}], 5])
def test_a_laboratory_that_is_none_is_refused(laboratory):
    with pytest.raises(BadInputError, match="keys"):
        Metadata.from_json(metadata(targets=(PROTEIN,)).to_json() | {"laboratory": laboratory})
