"""How far synthetic spectra are from real ones: can a classifier tell, how far apart are scores and band ratios."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import sqrtm
from scipy.stats import wasserstein_distance
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from etalon.data.folds import stratified_kfold
from etalon.errors import NotRunError

N_FOLDS = 5
N_COMPONENTS = 10
_N_BINS = 150
_MOST = 300  # spectra of a dataset
_MOST_OF_EACH = 20  # spectra of each dataset where many are taken together
_FEWEST_GROUPS = 10  # of each kind: two a fold
_FEWEST_FAMILIES = N_FOLDS
_EDGE = 0.02  # share of a range that a set may miss at either end and still cover it
_DARKEST = 1e-4
# Quantities that a logarithm turns into absorbance, and what 1 is called.
_FRACTIONS = {"reflectance": 1.0, "transmittance": 1.0, "reflectance_percent": 100.0, "transmittance_percent": 100.0}
# Ranges over which datasets are taken together, nm: each is covered by at least five families of real sets.
WINDOWS = {
    "1110-1650 nm": ("nir", 1110.0, 1650.0),
    "1110-2400 nm": ("nir", 1110.0, 2400.0),
    "400-1000 nm": ("nir", 400.0, 1000.0),
    "5600-9900 nm": ("mir", 5600.0, 9900.0),
}
# Named bands: shoulder, centre, shoulder. NIR in nm; MIR and Raman in cm-1.
BANDS: dict[str, dict[str, tuple[float, float, float]]] = {
    "nir": {
        "C-H second overtone": (1120, 1205, 1280),
        "O-H first overtone": (1350, 1450, 1600),
        "C-H first overtone": (1660, 1730, 1810),
        "O-H combination, water": (1850, 1940, 2030),
        "O-H and N-H combinations": (2030, 2100, 2220),
        "C-H combination": (2230, 2310, 2390),
    },
    "mir": {
        "C-O stretching": (940, 1050, 1190),
        "CH2 scissoring": (1410, 1460, 1490),
        "amide I, water": (1580, 1650, 1700),
        "C=O stretching": (1700, 1742, 1790),
        "CH2 stretching": (2800, 2923, 3000),
        "O-H stretching": (2600, 3350, 3800),
    },
    "raman": {
        "ring breathing": (985, 1003, 1018),
        "C-O and C-C stretching": (1100, 1125, 1140),
        "CH2 twisting": (1280, 1302, 1322),
        "CH2 scissoring": (1405, 1445, 1490),
        "C=C stretching, amide I": (1620, 1657, 1700),
        "C-H stretching": (2800, 2930, 3030),
    },
}


class Spectra(Protocol):
    """What is compared: `etalon.synthesis.corpus.CorpusSet` and its like."""

    @property
    def wavelengths(self) -> np.ndarray: ...
    @property
    def intensities(self) -> np.ndarray: ...
    @property
    def modality(self) -> str: ...
    @property
    def representation(self) -> str: ...


@dataclass(frozen=True, eq=False)
class Sample:
    """Spectra of one side of the comparison.

    Attributes
    ----------
    wavelengths : shape (n_channels,), as in `etalon.contracts.SpectraSet`
    intensities : shape (n, n_channels)
    modality, representation : as in `etalon.contracts.Metadata`
    group : shape (n,): number of the specimen
    family : of the dataset
    """

    wavelengths: np.ndarray
    intensities: np.ndarray
    modality: str
    representation: str
    group: np.ndarray
    family: str = ""


def realism(real: Sample, pool: Sequence[Spectra], seed: int, n_trees: int = 200) -> dict[str, float]:
    """Compare the spectra of one dataset with those of synthetic sets.

    Both become absorbance (Raman: counts), are averaged into the same channels over the range of the real ones, and
    SNV-transformed: gain and offset are no evidence. Equal numbers of each are drawn, the synthetic ones evenly from
    all sets that cover the range.

    auc, auc_sd : area under the ROC curve of a random forest that tells real from synthetic, mean and standard
        deviation over 5 folds; no specimen and no synthetic set is in two folds. A two-sample test by classifier
        (Lopez-Paz and Oquab 2017, Revisiting classifier two-sample tests, ICLR): 0.5 where they cannot be told apart.
        A forest, because a linear rule cannot see that a narrow cloud lies within a wide one.
    pca_distance : Fréchet distance between the two clouds of scores on 10 joint principal components, relative to that
        between two halves of the real specimens
    band_ratio_distance : shares of the named bands of `BANDS` in the sum of their depths (absolute values); Wasserstein
        distance between real and synthetic shares, mean over bands. NaN where the range holds less than two bands

    Raises
    ------
    NotRunError
        For a representation that is no measured spectrum, an axis without a unit, and less than 10 specimens or
        synthetic sets.
    """
    if not comparable(real):
        raise NotRunError(f"spectra are {real.representation}")
    rng = np.random.default_rng(seed)
    edges = bin_edges(real.wavelengths)
    covering = [one for one in pool if covers(one, real.modality, edges)]
    _require(len(np.unique(real.group)), _FEWEST_GROUPS, "specimens")
    _require(len(covering), _FEWEST_GROUPS, "sets to compare with that cover the range")
    n = min(_MOST, len(real.intensities), sum(len(one.intensities) for one in covering))
    rows = np.sort(rng.permutation(len(real.intensities))[:n])
    x_real = binned(absorbance(real.intensities[rows], real.representation), real.wavelengths, edges)
    x_synthetic, sets = _draw(covering, n, edges, rng)
    return _compare(x_real, real.group[rows], x_synthetic, sets, edges, real.modality, seed, n_trees)


def realism_of_all(
    reals: Sequence[Sample], pool: Sequence[Spectra], window: str, seed: int, n_trees: int = 200
) -> dict[str, float]:
    """As `realism`, of all datasets that cover a window of `WINDOWS`: can real and synthetic be told apart in general?

    Up to 20 spectra of each dataset; no family is in two folds. A single dataset is one product on one instrument and
    easily told from any collection of others, real ones too. Here the forest is judged on products that it never saw,
    so that only what all real spectra have in common, and synthetic ones lack, helps it.
    """
    rng = np.random.default_rng(seed)
    modality, low, high = WINDOWS[window]
    edges = np.linspace(low, high, _N_BINS + 1)
    parts, families = [], []
    for real in reals:
        if covers(real, modality, edges) and comparable(real):
            rows = rng.permutation(len(real.intensities))[:_MOST_OF_EACH]
            values = absorbance(real.intensities[rows], real.representation)
            parts.append(binned(values, real.wavelengths, edges))
            families += [real.family] * len(rows)
    covering = [one for one in pool if covers(one, modality, edges)]
    _require(len(set(families)), _FEWEST_FAMILIES, "families that cover the range")
    _require(len(covering), _FEWEST_GROUPS, "synthetic sets that cover the range")
    x_synthetic, sets = _draw(covering, len(families), edges, rng)
    x_real = np.concatenate(parts)
    if len(x_synthetic) < len(x_real):
        rows = rng.permutation(len(x_real))[: len(x_synthetic)]
        x_real, families = x_real[rows], [families[row] for row in rows]
    return _compare(x_real, np.array(families), x_synthetic, sets, edges, modality, seed, n_trees)


def comparable(one: Spectra) -> bool:
    """Return whether spectra are in a quantity that can be turned into absorbance, or are Raman counts."""
    return one.representation in (*_FRACTIONS, "absorbance", "absorbance_snv") or (
        one.representation == "counts" and one.modality == "raman"
    )


def _require(found: int, fewest: int, what: str) -> None:
    if found < fewest:
        raise NotRunError(f"{found} {what}, fewer than {fewest}")


def _compare(
    x_real: np.ndarray,
    groups: np.ndarray,
    x_synthetic: np.ndarray,
    sets: np.ndarray,
    edges: np.ndarray,
    modality: str,
    seed: int,
    n_trees: int,
) -> dict[str, float]:
    """Return the measures of `realism` for spectra in the channels between `edges`, of groups `groups` and `sets`."""
    real, synthetic = snv(x_real), snv(x_synthetic)
    aucs = _aucs(real, groups, synthetic, sets, seed, n_trees)
    centres = (edges[1:] + edges[:-1]) / 2
    return {
        "n_real": len(real),
        "n_synthetic": len(synthetic),
        "auc": float(np.mean(aucs)),
        "auc_sd": float(np.std(aucs, ddof=1)),
        "pca_distance": _pca_distance(real, groups, synthetic, np.random.default_rng(seed)),
        "band_ratio_distance": _band_ratio_distance(x_real, x_synthetic, centres, modality),
    }


def bin_edges(wavelengths: np.ndarray) -> np.ndarray:
    """Return the edges of the channels of comparison: 150, or as many as there are, over the range but for its ends."""
    margin = _EDGE * np.ptp(wavelengths)
    return np.linspace(wavelengths[0] + margin, wavelengths[-1] - margin, min(_N_BINS, len(wavelengths)) + 1)


def covers(one: Spectra, modality: str, edges: np.ndarray) -> bool:
    """Return whether a set is of the kind `modality` and measured between all `edges`."""
    kind = _kind(modality)
    return _kind(one.modality) == kind and one.wavelengths[0] <= edges[0] and one.wavelengths[-1] >= edges[-1]


def absorbance(intensities: np.ndarray, representation: str) -> np.ndarray:
    """Return fractions of light as absorbance, float64; all else as it is."""
    intensities = np.asarray(intensities, np.float64)
    if representation in _FRACTIONS:
        return -np.log10(np.maximum(intensities / _FRACTIONS[representation], _DARKEST))
    return intensities


def binned(intensities: np.ndarray, wavelengths: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the mean of each spectrum, drawn as straight lines between channels, over each bin.

    Grids differ: averages over equal bins leave no trace of the original step, as interpolated noise would.
    """
    points = np.union1d(wavelengths, edges)
    upper = np.clip(np.searchsorted(wavelengths, points), 1, len(wavelengths) - 1)
    share = (points - wavelengths[upper - 1]) / np.diff(wavelengths)[upper - 1]
    values = intensities[:, upper - 1] * (1 - share) + intensities[:, upper] * share
    steps = np.diff(points) * (values[:, 1:] + values[:, :-1]) / 2
    area = np.concatenate([np.zeros((len(values), 1)), np.cumsum(steps, axis=1)], axis=1)
    return np.diff(area[:, np.searchsorted(points, edges)], axis=1) / np.diff(edges)


def snv(spectra: np.ndarray) -> np.ndarray:
    """Return each spectrum less its mean, over its standard deviation."""
    centred = spectra - spectra.mean(axis=1, keepdims=True)
    return centred / np.maximum(centred.std(axis=1, keepdims=True), 1e-12)


def _kind(modality: str) -> str:
    return "nir" if modality == "visnir" else modality


def _draw(
    pool: Sequence[Spectra], n: int, edges: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return `n` spectra in the bins, as evenly from all sets as they allow, and the number of the set of each."""
    order = rng.permutation(len(pool))
    ranks = [(rank, number) for number in order for rank in range(len(pool[number].intensities))]
    chosen = sorted(ranks, key=lambda pair: pair[0])[:n]
    parts, sets = [], []
    for number in np.unique([number for _, number in chosen]):
        one = pool[number]
        rows = rng.permutation(len(one.intensities))[: sum(number == other for _, other in chosen)]
        values = absorbance(one.intensities[rows], one.representation)
        parts.append(binned(values, one.wavelengths, edges))
        sets.append(np.full(len(rows), number))
    return np.concatenate(parts), np.concatenate(sets)


def _aucs(
    real: np.ndarray, groups: np.ndarray, synthetic: np.ndarray, sets: np.ndarray, seed: int, n_trees: int
) -> list[float]:
    """Return the AUC of each fold."""
    x = np.concatenate([real, synthetic])
    is_synthetic = np.repeat([0, 1], [len(real), len(synthetic)])
    _, group = np.unique([f"real {name}" for name in groups] + [f"set {name}" for name in sets], return_inverse=True)
    aucs = []
    for train, test in stratified_kfold(is_synthetic, group, N_FOLDS, seed):
        forest = RandomForestClassifier(n_trees, min_samples_leaf=2, random_state=seed)
        forest.fit(x[train], is_synthetic[train])
        aucs.append(roc_auc_score(is_synthetic[test], forest.predict_proba(x[test])[:, 1]))
    return aucs


def _pca_distance(real: np.ndarray, groups: np.ndarray, synthetic: np.ndarray, rng: np.random.Generator) -> float:
    """Return the Fréchet distance of scores relative to that between two halves of the real specimens."""
    n_components = min(N_COMPONENTS, len(real) - 1, real.shape[1])
    pca = PCA(n_components, svd_solver="full").fit(np.concatenate([real, synthetic]))
    scores = pca.transform(real)
    names = rng.permutation(np.unique(groups))
    half = np.isin(groups, names[: len(names) // 2])
    return frechet(scores, pca.transform(synthetic)) / frechet(scores[half], scores[~half])


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    r"""Return the Fréchet distance between the normal distributions with the moments of `a` and `b`, shapes (n, p).

    .. math:: d^2 = \lVert m_a - m_b \rVert^2 + \operatorname{tr}(S_a + S_b - 2 (S_a S_b)^{1/2})

    Dowson and Landau 1982, The Fréchet distance between multivariate normal distributions, J. Multivar. Anal. 12, 450.
    """
    s_a, s_b = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b))
    root = np.real(sqrtm(s_a @ s_b))
    squared = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2) + np.trace(s_a + s_b - 2 * root)
    return float(np.sqrt(max(squared, 0.0)))


def _band_ratio_distance(real: np.ndarray, synthetic: np.ndarray, centres: np.ndarray, modality: str) -> float:
    shares = [band_shares(x, centres, modality) for x in (real, synthetic)]
    if shares[0].shape[1] < 2:
        return float("nan")
    return float(np.mean([wasserstein_distance(a, b) for a, b in zip(shares[0].T, shares[1].T, strict=True)]))


def band_shares(spectra: np.ndarray, wavelengths: np.ndarray, modality: str) -> np.ndarray:
    """Return the share of each named band in the sum of the absolute depths of all, shape (n, n_bands).

    The depth of a band is its height above the straight line between its shoulders; bands outside the range are left
    out.

    Parameters
    ----------
    spectra : shape (n, n_channels), absorbance or Raman signal
    wavelengths : shape (n_channels,), nm; Raman: cm-1
    """
    axis, values = wavelengths, spectra
    if modality == "mir":
        axis, values = 1e7 / wavelengths[::-1], spectra[:, ::-1]
    depths = []
    for low, centre, high in BANDS[_kind(modality)].values():
        if low < axis[0] or high > axis[-1]:
            continue
        left, top, right = (_value_at(values, axis, position) for position in (low, centre, high))
        share = (centre - low) / (high - low)
        depths.append(top - (1 - share) * left - share * right)
    if not depths:
        return np.empty((len(spectra), 0))
    table = np.array(depths).T
    return table / np.maximum(np.abs(table).sum(axis=1, keepdims=True), 1e-12)


def _value_at(spectra: np.ndarray, axis: np.ndarray, position: float) -> np.ndarray:
    right = int(np.clip(np.searchsorted(axis, position), 1, len(axis) - 1))
    share = (position - axis[right - 1]) / (axis[right] - axis[right - 1])
    return spectra[:, right - 1] * (1 - share) + spectra[:, right] * share
