"""What is wrong in a configuration stops the run before its first job, in one line."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
MISTAKES = {
    "asls={lamda: 1.0}": 'config: unknown key "lamda" in asls (expected one of: lam, max_iter, p,',
    "folds={n_splits: 1e1}": "config: folds.n_splits: '1e1' is not of type 'integer'",
    "phase_0={preprocessings: [svn]}": "config: phase_0.preprocessings.0: 'svn' is not one of",
    "run=reference": "config: run: 'reference' does not match",
    "sead=2": 'config: unknown key "sead" (expected one of: asls,',
    "datasets={include: [cofee_*]}": "no dataset of config/datasets.yaml matches 'cofee_*'",
    "catalogue=nowhere.yaml": "nowhere.yaml: file: expected a catalogue of datasets, found no such file",
    "figures_from=reference": "results/reference/paper: expected shipped metrics tables, found none of those",
}


@pytest.mark.parametrize(("mistake", "message"), MISTAKES.items())
def test_a_mistake_ends_in_one_line(workflow, mistake, message):
    result = workflow.snakemake("all", "--dry-run", "--config", mistake)
    assert result.returncode == 1
    lines = [line for line in result.stderr.splitlines() if not line.startswith(("Using workflow", "Config file"))]
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert message in lines[0]
    assert "rule " not in result.stdout


def blocks(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object of a schema, with its dotted path."""
    if "properties" in schema:
        yield path, schema
        for name, field in schema["properties"].items():
            yield from blocks(field, f"{path}.{name}".lstrip("."))


def test_the_schema_is_closed_and_described_at_every_level():
    schema = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text())
    found = dict(blocks(schema))
    assert {"", "asls", "phase_0.tabpfn", "robustness.amplitudes.noise", "verify.tolerance"} <= set(found)
    for path, block in found.items():
        assert block["additionalProperties"] is False, path
        for name, field in block["properties"].items():
            assert field.get("description"), f"{path}.{name}"
            assert "default" in field or name in block.get("required", ()), f"{path}.{name} has no default"


def test_the_documentation_of_the_configuration_is_in_step_with_the_schemas():
    script = REPOSITORY / "workflow/scripts/document_config.py"
    written = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout
    assert written == (REPOSITORY / "config/README.md").read_text(), "run `make docs`"


def leaves(settings: dict[str, Any], path: str = "") -> set[str]:
    """Return the dotted paths of all that is no block."""
    found = set()
    for name, value in settings.items():
        own = f"{path}.{name}".lstrip(".")
        found |= leaves(value, own) if isinstance(value, dict) else {own}
    return found


def test_the_paper_inherits_nothing_that_the_demo_cuts_down():
    """It is laid over the demo's configuration, so what stands there and not here is the demo's size."""
    demo, paper = (yaml.safe_load((REPOSITORY / f"config/{name}.yaml").read_text()) for name in ("config", "paper"))
    assert leaves(demo) - leaves(paper) == set()
