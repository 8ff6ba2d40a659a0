"""The digest of a stage changes with the code it runs, and with nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from etalon import code_digest as digest
from etalon.errors import BadInputError

MODULES = {
    "__init__.py": '"""The package."""\n',
    "stages/__init__.py": "",
    "stages/train.py": "from etalon.models import net\n\ndef main():\n    from etalon.losses import masked\n",
    "models/__init__.py": "",
    "models/net.py": "from . import blocks\nfrom .blocks import WIDTH\nfrom ..constants import GAIN\n",
    "models/blocks.py": "WIDTH = 3\n",
    "losses.py": "import etalon.constants\n\ndef masked():\n    '''A loss.'''\n",
    "constants.py": "GAIN = 2.0\n",
    "figures/__init__.py": "",
    "figures/fig.py": "import etalon.models.net\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch):
    """A small package in place of the library."""
    for name, text in MODULES.items():
        path = tmp_path / "etalon" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(digest, "PACKAGE", tmp_path / "etalon")
    digest._read.cache_clear()
    yield tmp_path / "etalon"
    digest._read.cache_clear()


def edit(package: Path, name: str, old: str, new: str) -> str:
    """Replace text in a module; return the new digest of the stage."""
    path = package / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    digest._read.cache_clear()
    return digest.code_digest("etalon.stages.train")


def test_imports_are_followed_wherever_they_stand(package):
    found = digest.imported_modules("etalon.stages.train")
    expected = ("stages", "stages.train", "models", "models.net", "models.blocks", "losses", "constants")
    assert found == sorted(["etalon", *(f"etalon.{name}" for name in expected)])


@pytest.mark.parametrize("name", ["stages/train.py", "models/net.py", "models/blocks.py", "losses.py", "constants.py"])
def test_logic_counts_in_every_module_that_is_imported(package, name):
    before = digest.code_digest("etalon.stages.train")
    assert edit(package, name, MODULES[name], f"{MODULES[name]}\nEDITED = True\n") != before


def test_comments_docstrings_and_layout_do_not_count(package):
    before = digest.code_digest("etalon.stages.train")
    assert edit(package, "losses.py", "'''A loss.'''", "'''Another text.'''  # with a remark") == before
    assert edit(package, "constants.py", "GAIN = 2.0", '"""A new docstring."""\n\nGAIN  =  (2.0)\n') == before
    assert edit(package, "figures/fig.py", "import", "EDITED = True\nimport") == before


def test_a_string_that_is_no_docstring_counts(package):
    before = digest.code_digest("etalon.stages.train")
    assert edit(package, "losses.py", "'''A loss.'''", "return '''A loss.'''") != before


def test_a_module_chosen_at_run_time_is_added_by_name(package):
    with_figure = digest.code_digest("etalon.stages.train", "etalon.figures.fig")
    assert with_figure != digest.code_digest("etalon.stages.train")
    assert edit(package, "figures/fig.py", "import", "EDITED = True\nimport") != with_figure


def test_a_module_that_is_not_there_is_named(package):
    with pytest.raises(BadInputError, match=r"etalon\.stages\.trian"):
        digest.code_digest("etalon.stages.trian")


@pytest.mark.parametrize("stage", ["classical_baselines", "import_dataset", "precompute_asls", "score_predictions"])
def test_nothing_that_python_imports_is_overlooked(stage):
    code = f"import sys, etalon.stages.{stage}; print(*(m for m in sys.modules if m.split('.')[0] == 'etalon'))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) <= set(digest.imported_modules(f"etalon.stages.{stage}"))


@pytest.mark.parametrize("stage", ["classical_baselines", "classical_robustness", "tabpfn_baseline", "make_folds"])
def test_experiments_do_not_depend_on_readers_figures_or_the_command_line(stage):
    for name in digest.imported_modules(f"etalon.stages.{stage}"):
        parts = ("etalon.data.readers", "etalon.figures", "etalon.cli", "etalon.commands", "etalon.catalogue")
        assert not name.startswith(parts)
