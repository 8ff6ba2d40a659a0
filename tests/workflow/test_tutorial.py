"""The tutorial is typed as it stands, and what comes back is what it shows."""

import importlib.util
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("run_document", REPOSITORY / "workflow/scripts/run_document.py")
run_document = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(run_document)


@pytest.mark.slow
def test_the_tutorial_runs_and_shows_what_comes_back(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY / "src"))
    page = (REPOSITORY / "docs/tutorial.md").read_text()
    assert page.count("```text\n```") == 0, "an output that is not written"
    assert len(list(run_document.steps(page, tmp_path))) > 5
    wrong, _ = run_document.follow(page, tmp_path)
    assert not wrong, "\n".join(f"{step.commands}\n{found}" for step, found in wrong)
    assert (tmp_path / "models/protein/report.html").stat().st_size > 10_000


def test_an_output_may_differ_in_numbers_and_in_nothing_else():
    assert run_document.agrees("samples   3, from -1.5\n...\nend\n", "samples  40, from 2e-3\nmany\nlines\nend\n")
    assert not run_document.agrees("samples 3\n", "sample 3\n")
    assert not run_document.agrees("samples 3\n", "samples 3\nand a line more\n")


def test_a_command_that_fails_is_noticed(tmp_path):
    wrong, _ = run_document.follow("```sh\necho a; false; echo b\n```\n", tmp_path)
    assert [found for _, found in wrong] == ["a\n"]


def test_empty_outputs_are_filled_and_others_are_left(tmp_path):
    page = "```sh\necho 1\n```\n\n```text\n```\n\n```sh\necho 2\n```\n\n```text\n3\n```\n"
    wrong, filled = run_document.follow(page, tmp_path)
    assert filled == page.replace("```text\n```", "```text\n1\n```")
    assert not wrong  # numbers may differ
