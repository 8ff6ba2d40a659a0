"""The commands that the README and CONTRIBUTING tell people to type exist."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TEXT = "".join((REPOSITORY / name).read_text() for name in ("README.md", "CONTRIBUTING.md"))
# In a code span, or at the start of a line of a code block; a comment may follow.
COMMAND = re.compile(r"(?:`|^\s*(?:\$ )?)((?:make|snakemake|etalon)\b[^`\n#]*)", re.MULTILINE)
COMMANDS = sorted({match.strip() for match in COMMAND.findall(TEXT)})


def commands(program: str) -> list[list[str]]:
    return [words for words in map(shlex.split, COMMANDS) if words[0] == program and len(words) > 1]


@pytest.mark.parametrize("command", commands("make"), ids=" ".join)
def test_make_knows_the_target(command):
    subprocess.run([*command, "--dry-run"], cwd=REPOSITORY, check=True, capture_output=True)


@pytest.mark.parametrize("command", commands("snakemake"), ids=" ".join)
def test_snakemake_can_plan_it(workflow, command):
    for run in ("demo", "paper"):
        workflow.ship(run)
    assert workflow.plan(*command[1:])


@pytest.mark.parametrize("command", commands("etalon"), ids=" ".join)
def test_etalon_has_the_command(command):
    code = f"import sys; sys.argv = ['etalon', {command[1]!r}, '--help']; from etalon.cli import main; main()"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_main_commands_are_named():
    assert {"make demo", "make test", "snakemake --cores all --profile slurm", "snakemake verify --cores all"} <= set(
        COMMANDS
    )
    assert "snakemake figures --cores all --config figures_from=reference" in COMMANDS
