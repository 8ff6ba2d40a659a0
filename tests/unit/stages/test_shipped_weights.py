"""What may become the package's weights, and what its model card is made of."""

import json
from pathlib import Path

import pytest

from etalon.errors import BadInputError
from etalon.stages.shipped_weights import check, main
from etalon.weights import NAME, card, shipped

METRICS = Path(__file__).parents[3] / "results/reference/paper/metrics/embedding_encoders.parquet"


def record() -> dict:
    return json.loads(shipped().with_suffix(".json").read_text())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variant": "masked"}, "variant: expected fsnl_episodic_asls, found masked"),
        (
            {"weights_may_be_shipped": False, "data": [{"dataset": "corn_m5", "weights": False}]},
            "expected sets whose licence permits shipping weights, found corn_m5",
        ),
    ],
)
def test_what_must_not_be_shipped_is_refused(change, message):
    with pytest.raises(BadInputError, match=message):
        check(shipped(), record() | change)


@pytest.mark.slow
def test_the_card_in_the_package_is_the_one_its_weights_and_the_shipped_metrics_give(tmp_path):
    main(["--checkpoint", str(shipped()), "--metrics", str(METRICS), "--out", str(tmp_path)])
    assert (tmp_path / "MODEL_CARD.md").read_text() == card()
    assert (tmp_path / f"{NAME}.safetensors").read_bytes() == shipped().read_bytes()
