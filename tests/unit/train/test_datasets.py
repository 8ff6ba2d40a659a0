"""Spectra of any length reach a plain DataLoader, each exactly as stored or generated, whoever asks for it."""

import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.errors import BadInputError
from etalon.storage import save_array, save_set, save_unavailable
from etalon.synthesis.corpus import corpus_set
from etalon.synthesis.generator import Generator
from etalon.synthesis.instruments import INSTRUMENTS
from etalon.synthesis.mixtures import RECIPES
from etalon.train.datasets import (
    CorpusSeries,
    MultiSpectralDataset,
    SpectralDataset,
    SyntheticSpectralDataset,
    collate,
)

ASLS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0}
GRAIN = Generator(next(iter(RECIPES.values())), next(iter(INSTRUMENTS.values())), seed=3)


def write(folder, name, n, n_channels, baseline=True):
    rng = np.random.default_rng(n)
    spectra = SpectraSet(
        metadata=Metadata(name, "family", name, "nir", "absorbance", "nm", targets=(Target("fat", "fat", "%"),)),
        intensities=rng.random((n, n_channels)),
        wavelengths=np.linspace(1000.0, 2000.0, n_channels),
        reference=np.where(np.arange(n) == 1, np.nan, np.arange(n))[:, None],
        sample_id=np.arange(n).astype(str),
        specimen=np.array([f"{name}{row // 2}" for row in range(n)]),
    )
    save_set(folder / name, spectra)
    if baseline:
        save_array(folder / name / "baseline_asls.npy", 0.5 * spectra.intensities)
    return spectra


@pytest.fixture
def root(tmp_path):
    write(tmp_path, "small", 4, 20)
    write(tmp_path, "large", 36, 31)
    save_unavailable(tmp_path / "gone", "gone", "the server is down")
    return tmp_path


def same(first, second):
    if first["meta"] | {"reference": None} != second["meta"] | {"reference": None}:
        return False
    np.testing.assert_equal(first["meta"]["reference"], second["meta"]["reference"])
    return all(
        torch.equal(first[key], second[key]) if first[key] is not None else second[key] is None
        for key in ("x", "wavelength", "baseline")
    )


def test_every_spectrum_comes_as_stored(root):
    dataset = SpectralDataset(root)
    assert dataset.names == ("large", "small")
    assert dataset.sizes == (36, 4)
    assert dataset.left_out == {"gone": "the server is down"}
    assert len(dataset) == 40
    samples = list(dataset)
    assert [len(sample["x"]) for sample in samples] == 36 * [31] + 4 * [20]
    stored = write(root, "small", 4, 20)
    assert np.array_equal(torch.stack([sample["x"] for sample in samples[36:]]).numpy(), stored.intensities)
    last = samples[-1]
    assert np.array_equal(last["wavelength"].numpy(), stored.wavelengths)
    torch.testing.assert_close(last["baseline"], 0.5 * last["x"])
    assert last["x"].dtype == last["baseline"].dtype == torch.float32
    assert last["wavelength"].dtype == torch.float64
    assert last["meta"]["dataset"] == "small"
    assert last["meta"]["specimen"] == "small1"
    assert last["meta"]["reference"] == {"fat": 3.0}
    assert np.isnan(samples[37]["meta"]["reference"]["fat"])
    assert same(dataset[-1], last)


def test_one_folder_is_a_dataset_too(root):
    assert SpectralDataset(root / "small").names == ("small",)


def test_samples_are_copies(root):
    dataset = SpectralDataset(root)
    dataset[0]["x"].zero_()
    assert dataset[0]["x"].abs().max() > 0


def test_a_missing_baseline_is_named_once(root, caplog):
    write(root, "bare", 3, 8, baseline=False)
    dataset = SpectralDataset(root)
    samples = list(dataset)
    assert samples[0]["baseline"] is None
    assert samples[-1]["baseline"] is not None
    (record,) = caplog.records
    assert "bare" in record.message
    assert "small" not in record.message


def test_what_breaks_the_contract_is_named(root, tmp_path):
    save_array(root / "small" / "baseline_asls.npy", np.zeros((4, 19), np.float32))
    with pytest.raises(BadInputError, match=r"baseline_asls.npy: shape: expected \(4, 20\), found \(4, 19\)"):
        SpectralDataset(root)
    (root / "large" / "spectra.npy").unlink()
    with pytest.raises(BadInputError, match="no such file"):
        SpectralDataset(root / "large")
    with pytest.raises(BadInputError, match="a dataset in the data contract"):
        SpectralDataset(root / "nothing")


def test_pickling_carries_no_spectra(root):
    dataset = SpectralDataset(root)
    first = dataset[0]
    content = pickle.dumps(dataset)
    assert len(content) < 5000
    assert same(pickle.loads(content)[0], first)  # noqa: S301


def test_synthetic_spectra_depend_on_their_number_alone():
    few, many = SyntheticSpectralDataset(GRAIN, 3), SyntheticSpectralDataset(GRAIN, 9)
    assert len(few) == 3
    assert same(few[2], many[2])
    assert not torch.equal(many[2]["x"], many[3]["x"])
    assert many[0]["baseline"] is None
    scans = GRAIN.scans([2])
    assert np.array_equal(few[2]["x"].numpy(), scans.spectra[0].astype(np.float32))
    assert list(few[2]["meta"]["reference"].values()) == scans.reference[0].tolist()
    assert few[2]["meta"]["synthetic"]
    with pytest.raises(IndexError):
        few[3]


def test_a_series_of_sets_goes_through_all_of_them():
    dataset = SyntheticSpectralDataset(CorpusSeries(seed=5, specimens=4), 12, ASLS)
    whole = corpus_set(5, 1, 4)
    sample = dataset[6]
    assert np.array_equal(sample["x"].numpy(), whole.intensities[2])
    assert np.array_equal(sample["wavelength"].numpy(), whole.wavelengths)
    assert sample["meta"]["dataset"] == whole.name
    assert sum(sample["meta"]["reference"].values()) == pytest.approx(100.0, rel=1e-5)
    assert sample["baseline"].shape == sample["x"].shape
    assert (sample["baseline"] <= sample["x"]).float().mean() > 0.8  # it lies under the spectrum
    assert len({item["meta"]["dataset"] for item in dataset}) == 3


def test_datasets_are_met_equally_often_and_synthetic_ones_as_asked(root):
    mixed = MultiSpectralDataset(SpectralDataset(root), SyntheticSpectralDataset(GRAIN, 5), 0.3, seed=1)
    assert len(mixed) == 40
    names = []
    for seed in range(25):
        mixed.seed = seed
        names += [sample["meta"]["dataset"] for sample in mixed]
    share = {name: names.count(name) / len(names) for name in set(names)}
    assert len(share) == 3
    assert share["small"] == pytest.approx(0.35, abs=0.05)  # SD 0.015, though it is nine times smaller
    assert share["large"] == pytest.approx(0.35, abs=0.05)


def test_another_seed_is_another_epoch_and_the_same_seed_the_same(root):
    def epoch(seed):
        mixed = MultiSpectralDataset(SpectralDataset(root), SyntheticSpectralDataset(GRAIN, 5), 0.3, seed)
        return [mixed[index] for index in reversed(range(40))]

    assert all(map(same, epoch(1), epoch(1)))
    assert not all(map(same, epoch(1), epoch(2)))


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_beyond_one_is_refused(root, share):
    with pytest.raises(BadInputError, match="p_synth"):
        MultiSpectralDataset(SpectralDataset(root), SyntheticSpectralDataset(GRAIN, 5), share, seed=1)


def test_workers_change_nothing(root):
    series = SyntheticSpectralDataset(CorpusSeries(seed=5, specimens=4), 12, ASLS)
    mixed = MultiSpectralDataset(SpectralDataset(root), series, 0.3, seed=1)
    alone, shared = (
        list(DataLoader(mixed, batch_size=8, collate_fn=collate, num_workers=workers)) for workers in (0, 2)
    )
    assert len(alone) == 5
    assert len({len(x) for batch in alone for x in batch["x"]}) > 2
    for first, second in zip(alone, shared, strict=True):
        for row in range(8):
            assert same({k: v[row] for k, v in first.items()}, {k: v[row] for k, v in second.items()})
