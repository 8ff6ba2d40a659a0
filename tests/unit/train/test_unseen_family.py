"""A checkpoint and the family that was held out of its training."""

import numpy as np
import pytest

from etalon.errors import BadInputError
from etalon.evaluate.embed import refuse_seen
from etalon.stages import pretrain
from etalon.storage import load_set
from etalon.train.checkpoint import load_encoder
from etalon.train.corpus import spectra_digest


def test_nothing_of_the_family_reached_the_checkpoint(training):
    arguments = training.arguments("fsnl", {"episodic": 1.0}, "unseen", heldout_families=["family_c"])
    arguments.remove(str(training.folder / "c"))
    pretrain.main(arguments)
    checkpoint = training.checkpoint("unseen")
    _, record = load_encoder(checkpoint)
    sets = {name: load_set(training.folder / name) for name in ("a", "b", "c")}
    digests = {name: spectra_digest(spectra.intensities) for name, spectra in sets.items()}
    assert record["heldout_families"] == ["family_c"]
    assert {entry["family"] for entry in record["data"]} == {"family_a", "family_b"}
    assert {entry["sha256"] for entry in record["data"]} == {digests["a"], digests["b"]}
    assert sum(entry["spectra"] for entry in record["data"]) == len(sets["a"]) + len(sets["b"])
    refuse_seen(checkpoint, record, sets["c"].metadata, sets["c"].intensities)
    with pytest.raises(BadInputError, match="no spectra of family 'family_a'"):
        refuse_seen(checkpoint, record, sets["a"].metadata)
    with pytest.raises(BadInputError, match="found they are in b"):
        refuse_seen(checkpoint, record, sets["c"].metadata, np.array(sets["b"].intensities))
