"""The learned correction of spectra as a method against ageing."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from etalon.contracts import SpectraSet
from etalon.errors import BadInputError
from etalon.evaluate.ageing_experiment import Predict
from etalon.evaluate.cross_instrument import Pair
from etalon.evaluate.learned_transfer import networks_of, place_of
from etalon.evaluate.transfer_methods import Prepared
from etalon.models.patch_transformer import PatchTransformer
from etalon.seeds import derive_seed
from etalon.train.learned_transfer import LearnedTransfer


def learned(
    spectra: SpectraSet,
    start: PatchTransformer,
    methods: Mapping[str, Mapping[str, Any]],
    seed: int,
    encoder_seed: int,
) -> dict[str, Predict]:
    """Return learned methods by name; see `etalon.evaluate.learned_transfer.learned_rows` for `methods`."""
    place = place_of(Pair(spectra, spectra), spectra.wavelengths, next(start.parameters()).device)
    networks = networks_of(place, start, methods, derive_seed(seed, "init", encoder_seed))

    def of(name: str) -> Predict:
        network, plan = networks[name]

        def predict(prepared: Prepared, rows: np.ndarray, draw: int, fold: int) -> np.ndarray:
            own = derive_seed(seed, "fit", encoder_seed, name, draw, fold)
            fitted = LearnedTransfer(prepared.calibration, place, network, start.points, plan, own)
            fitted.fit(prepared.source[rows], prepared.target[rows], prepared.y[rows])
            return np.clip(fitted.predict(prepared.test), *prepared.limits)

        return predict

    return {name: of(name) for name in networks}


def refuse_family(family: str, about: Mapping[str, Any], encoder: object) -> None:
    """Raise BadInputError if a checkpoint, of which `about` is the record, saw a family."""
    if family in {source["family"] for source in about["data"]}:
        raise BadInputError(encoder, "data", "a checkpoint that never saw this family", family)
