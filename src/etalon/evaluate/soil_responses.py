"""Properties of soils in the coordinates in which they are modelled, and back."""

from collections.abc import Mapping

import numpy as np
from scipy.stats import skew

from etalon.chemometrics.compositions import ilr, inverse_ilr, without_zeros
from etalon.evaluate.calibration import clip_range
from etalon.evaluate.soil_sets import TEXTURE

SKEWED = 1.0  # a property with a larger skewness of its training values is modelled as its natural logarithm
LEAST = 20  # soils with a value, fewer train nothing


class Responses:
    """What was decided about each property on training rows: logarithm or not, clay, silt and sand by ilr.

    Texture is modelled in two isometric log-ratio coordinates where all three parts were measured, so that predicted
    parts add up to 100 exactly. Predictions are held to the training range and 25 % of it, as everywhere: those of
    texture in its coordinates.

    Attributes
    ----------
    columns_ : names of the columns that models are fitted to
    names_ : properties that come back, in the order of the given ones
    logged_ : those of them modelled as logarithms
    """

    def fit(self, properties: Mapping[str, np.ndarray]) -> "Responses":
        """Decide on training values by property, shape (n,) each, NaN where not measured."""
        enough = [name for name, values in properties.items() if _measured(values)]
        self.texture_ = set(TEXTURE) <= set(enough)
        single = [name for name in enough if not (self.texture_ and name in TEXTURE)]
        self.logged_ = tuple(name for name in single if _is_skewed(properties[name]))
        self.single_ = tuple(single)
        self.columns_ = (*single, *(("ilr1", "ilr2") if self.texture_ else ()))
        self.names_ = tuple(name for name in properties if name in enough)
        values = self.transform(properties)
        self.ranges_ = {
            column: clip_range(properties[column][np.isfinite(properties[column])])
            if column in single
            else clip_range(values[np.isfinite(values[:, k]), k])
            for k, column in enumerate(self.columns_)
        }
        return self

    def transform(self, properties: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the columns to model, shape (n, n_columns), NaN where not measured."""
        parts = [self._forward(name, properties[name])[:, None] for name in self.single_]
        if self.texture_:
            texture = np.column_stack([properties[name] for name in TEXTURE])
            known = np.isfinite(texture).all(axis=1)
            coordinates = np.full((len(texture), 2), np.nan)
            coordinates[known] = ilr(without_zeros(texture[known]))
            parts.append(coordinates)
        n = len(next(iter(properties.values()))) if properties else 0
        return np.hstack(parts) if parts else np.empty((n, 0))

    def inverse(self, columns: np.ndarray) -> dict[str, np.ndarray]:
        """Return predicted properties by name, shape (n,) each, of predicted columns, shape (n, n_columns)."""
        found = {}
        for k, name in enumerate(self.single_):
            values = np.exp(np.minimum(columns[:, k], 700.0)) if name in self.logged_ else columns[:, k]
            found[name] = np.clip(values, *self.ranges_[name])
        if self.texture_:
            held = [np.clip(columns[:, k], *self.ranges_[self.columns_[k]]) for k in (-2, -1)]
            found |= dict(zip(TEXTURE, inverse_ilr(np.column_stack(held)).T, strict=True))
        return {name: found[name] for name in self.names_}

    def _forward(self, name: str, values: np.ndarray) -> np.ndarray:
        # A later set may hold a value of zero, which has no logarithm; it is not trained on.
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(values > 0, np.log(values), np.nan) if name in self.logged_ else values


def _measured(values: np.ndarray) -> bool:
    known = values[np.isfinite(values)]
    return len(known) >= LEAST and np.ptp(known) > 0


def _is_skewed(values: np.ndarray) -> bool:
    known = values[np.isfinite(values)]
    return bool(known.min() > 0 and skew(known) > SKEWED)


def comparable(one: tuple[str, str], other: tuple[str, str]) -> str | None:
    """Return why values of two laboratories cannot be compared, or None. Each is a unit and a basis."""
    if one[0] != other[0]:
        return f"units differ, {one[0]} and {other[0]}"
    if "unknown" not in (one[1], other[1]) and one[1] != other[1]:
        return f"bases differ, {one[1]} and {other[1]}"
    return None
