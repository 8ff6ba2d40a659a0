"""The settings for people's own spectra are those of the studies."""

from pathlib import Path

import yaml

from etalon.preprocess import standard

SCHEMA = Path(__file__).parents[3] / "workflow/schemas/config.schema.yaml"


def defaults(block: str) -> dict:
    properties = yaml.safe_load(SCHEMA.read_text())["properties"][block]["properties"]
    return {name: value["default"] for name, value in properties.items() if "default" in value}


def test_they_equal_the_defaults_of_the_schema():
    assert defaults("asls") == standard.ASLS
    phase_0 = defaults("phase_0")
    assert {name: phase_0[name] for name in standard.SAVGOL} == standard.SAVGOL
    assert {name: phase_0[name] for name in standard.CHOICES} == standard.CHOICES | {
        "preprocessings": list(standard.CHOICES["preprocessings"])
    }
    assert defaults("embedding")["max_rows"] == standard.MAX_ROWS
