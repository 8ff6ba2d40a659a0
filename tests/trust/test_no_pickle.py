"""Nothing that Etalon reads can run code: no pickle, no unsafe YAML, no eval, in the source and in what it refuses."""

import ast
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from etalon.errors import BadInputError
from etalon.storage import load_array, map_tensors, save_array
from etalon.train.checkpoint import load_encoder

REPOSITORY = Path(__file__).parents[2]
SOURCES = [
    path
    for folder in ("src", "workflow", "benchmarks")
    for path in sorted((REPOSITORY / folder).rglob("*.py"))
    if "__pycache__" not in path.parts
]
MODULES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "jsonpickle"}
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {"read_pickle", "to_pickle", "extractall", "unpack_archive", "system", "popen"}


def findings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of what can run code from a file, or write outside a folder."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield node.lineno, str(node.module)
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            if name in CALLS or name.rpartition(".")[2] in METHODS:
                yield node.lineno, name
            if name == "yaml.load" or (name in ("torch.load", "torch.save")):
                yield node.lineno, name
            if name in ("np.load", "np.save", "numpy.load"):
                allowed = given.get("allow_pickle")
                if not (isinstance(allowed, ast.Constant) and allowed.value is False):
                    yield node.lineno, f"{name} without allow_pickle=False"
            if name.startswith("subprocess.") and isinstance(shell := given.get("shell"), ast.Constant) and shell.value:
                yield node.lineno, f"{name} with a shell"


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import dump",
        "import pandas as pd; pd.read_pickle('x')",
        "np.load('x')",
        "np.load('x', allow_pickle=True)",
        "torch.load('x', weights_only=True)",
        "yaml.load(text, Loader=yaml.Loader)",
        "zipfile.ZipFile('x').extractall('y')",
        "eval(text)",
        "subprocess.run('ls', shell=True)",
    ],
)
def test_what_is_looked_for_is_found(code):
    assert list(findings(ast.parse(code)))


def test_no_source_file_uses_any_of_it():
    # Benchmarks load arrays that they have just written.
    own = {("benchmarks/asls.py", "np.load without allow_pickle=False")}
    trees = {str(path.relative_to(REPOSITORY)): ast.parse(path.read_text()) for path in SOURCES}
    found = [(path, *finding) for path, tree in trees.items() for finding in findings(tree)]
    assert [entry for entry in found if (entry[0], entry[2]) not in own] == []
    assert len(SOURCES) > 150


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Trap]:
    trap = Trap(tmp_path / "sprung")
    yield trap
    assert not trap.path.exists(), "the file was unpickled"


def test_the_trap_works(tmp_path):
    pickle.loads(pickle.dumps(Trap(tmp_path / "sprung")))  # noqa: S301
    assert (tmp_path / "sprung").exists()


def test_arrays_of_objects_are_neither_read_nor_written(trap, tmp_path):
    np.save(tmp_path / "spectra.npy", np.array([trap, 1], dtype=object), allow_pickle=True)
    with pytest.raises(BadInputError, match="sound array"):
        load_array(tmp_path / "spectra.npy")
    (tmp_path / "pickled.npy").write_bytes(pickle.dumps(trap))  # numpy would unpickle a file without its header
    with pytest.raises(BadInputError, match="sound array"):
        load_array(tmp_path / "pickled.npy")
    with pytest.raises(ValueError, match="allow_pickle"):
        save_array(tmp_path / "new.npy", np.array([{}], dtype=object))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pickled.npy", "spectra.npy"]


def test_a_checkpoint_of_torch_is_refused(trap, tmp_path):
    path = tmp_path / "weights.safetensors"
    (tmp_path / "weights.json").write_text('{"config": {"encoder": "fs"}}')
    for write in (lambda: torch.save({"trap": trap}, path), lambda: path.write_bytes(pickle.dumps(trap))):
        write()
        with pytest.raises(BadInputError, match="safetensors"):
            load_encoder(path)
        with pytest.raises(BadInputError, match="safetensors"):
            map_tensors(path, 0)


def test_an_archive_of_arrays_with_objects_is_refused(trap, tmp_path):
    with zipfile.ZipFile(tmp_path / "spectra.npy", "w") as archive, archive.open("x.npy", "w") as member:
        np.lib.format.write_array(member, np.array([trap], dtype=object), allow_pickle=True)
    with pytest.raises(BadInputError, match="one array"):
        load_array(tmp_path / "spectra.npy")
