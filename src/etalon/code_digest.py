"""Digest of the code behind a stage: it changes with the logic, not with comments, docstrings or layout."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from etalon.errors import BadInputError

PACKAGE = Path(__file__).parent
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class _Source(NamedTuple):
    digest: str
    imports: frozenset[str]


def code_digest(*modules: str) -> str:
    """Return a digest of `modules` and of every module of Etalon they import, as 16 hexadecimal digits.

    Imports are read from the source, wherever they stand, functions included; a module chosen by name at run
    time has to be given. Raises BadInputError for a module that is not there.
    """
    digests = "".join(f"{name}={_read(name).digest}\n" for name in imported_modules(*modules))
    return hashlib.sha256(digests.encode()).hexdigest()[:16]


def imported_modules(*modules: str) -> list[str]:
    """Return the sorted names of `modules`, of Etalon's modules they import, directly or not, and of their packages."""
    found: set[str] = set()
    waiting = set(modules)
    while waiting:
        name = waiting.pop()
        found.add(name)
        package = name.rpartition(".")[0]
        waiting |= ({package} if package else set()) | _read(name).imports
        waiting -= found
    return sorted(found)


@cache
def _read(module: str) -> _Source:
    path = _path(module)
    if path is None:
        raise BadInputError(f"module {module}", "file", "a module of Etalon", "no such file")
    # The package itself only hands on names that are asked for: no module runs any of them by importing it.
    source = b"pass" if module == PACKAGE.name else path.read_bytes()
    tree = ast.parse(source, filename=path)
    imports = frozenset(_imports(tree, module, is_package=path.name == "__init__.py"))
    # Unparsed rather than dumped: the text differs less between versions of Python than the tree does.
    return _Source(hashlib.sha256(ast.unparse(_without_docstrings(tree)).encode()).hexdigest(), imports)


def _path(module: str) -> Path | None:
    first, *rest = module.split(".")
    base = PACKAGE.joinpath(*rest)
    candidates = (base / "__init__.py", base.with_suffix(".py")) if first == PACKAGE.name else ()
    return next((path for path in candidates if path.is_file()), None)


def _imports(tree: ast.Module, module: str, is_package: bool) -> Iterator[str]:
    """Yield the modules of Etalon named by the import statements of `tree`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _path(alias.name))
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                parents = parts[: len(parts) - node.level + is_package]
                base = ".".join([*parents, base] if base else parents)
            names = (base, *(f"{base}.{alias.name}" for alias in node.names))
            yield from (name for name in names if _path(name))


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree
