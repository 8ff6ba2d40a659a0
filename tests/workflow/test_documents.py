"""Results in the README are those of the shipped metrics."""

import importlib.util
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_the_readme_holds_the_shipped_results():
    path = REPOSITORY / "workflow/scripts/document_results.py"
    spec = importlib.util.spec_from_file_location("document_results", path)
    document = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(document)
    document.METRICS = REPOSITORY / document.METRICS
    readme = (REPOSITORY / document.README).read_text()
    for name, write in document.SECTIONS.items():
        assert f"{document.START.format(name)}\n{write()}{document.END.format(name)}" in readme
