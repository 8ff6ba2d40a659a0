"""The catalogue of datasets: what each one is, where its files come from and how they are read.

It imports neither readers nor numerical libraries, so that a workflow can load it while it plans.
"""

import csv
import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from jsonschema import Draft202012Validator, ValidationError

from etalon.errors import BadInputError

SCHEMA = Path(__file__).parents[2] / "workflow" / "schemas" / "catalogue.schema.yaml"
# The C loader is as safe as SafeLoader and ten times as fast; PyYAML may be built without it.
_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Text for people: changing it changes no number. A file is known by its checksum, wherever it is fetched from.
_NOT_IN_DIGEST = ("title", "product", "citation", "caveats", "weights_reason")


@dataclass(frozen=True)
class FileSource:
    """One raw file: `path` below the mirror or cache folder, `url`, SHA-256 and size in bytes."""

    path: str
    url: str
    sha256: str
    bytes: int


class Convert(NamedTuple):
    """Value in the contract = `offset` + `scale` * value in the source."""

    offset: float = 0.0
    scale: float = 1.0


AS_IN_THE_SOURCE = Convert()


@dataclass(frozen=True)
class TargetSpec:
    """One laboratory quantity and the source's `column` that holds it; `unit` is the one after `convert`."""

    name: str
    column: str
    analyte: str
    unit: str
    basis: str
    convert: Convert = AS_IN_THE_SOURCE


@dataclass(frozen=True)
class Expect:
    """Size of the imported set, checked at import."""

    n_samples: int
    n_channels: int


@dataclass(frozen=True)
class Axis:
    """Where the spectral axis comes from.

    In `unit` (nm, cm-1 or index): the columns' names where `first` is None, else evenly spaced from `first` to
    `last`. `approximate` marks an axis that the source does not state.
    """

    unit: str
    first: float | None = None
    last: float | None = None
    approximate: bool = False


@dataclass(frozen=True)
class Entry:
    """One dataset of the catalogue; the fields are described in `workflow/schemas/catalogue.schema.yaml`."""

    id: str
    family: str
    title: str
    product: str
    modality: str
    representation: str
    instrument: str
    manufacturer: str
    instrument_type: str
    mode: str
    reader: str
    options: dict[str, Any]
    files: tuple[FileSource, ...]
    axis: Axis
    targets: tuple[TargetSpec, ...]
    label: str | None
    published_split: dict[str, Any] | None
    expect: Expect
    overlaps: str | None
    paired_with: tuple[str, ...]
    licence: str
    weights: bool
    weights_reason: str
    citation: str
    caveats: str
    synthetic: bool


def load_catalogue(path: str | Path = "config/datasets.yaml") -> dict[str, Entry]:
    """Read and validate a catalogue.

    Parameters
    ----------
    path : a YAML file with the key `datasets`, a list of entries

    Returns
    -------
    entries by id, in the order of the file

    Raises
    ------
    BadInputError
        Naming the file, the entry and the key: for whatever the schema forbids, ids that occur twice, and
        `overlaps` or `paired_with` that name no entry.
    """
    path = Path(path)
    content = _load_yaml(path)
    if not isinstance(content, dict) or set(content) != {"datasets"} or not isinstance(content["datasets"], list):
        raise BadInputError(path, "file", "the one key `datasets`, a list of entries", type(content).__name__)
    entries: dict[str, Entry] = {}
    for number, raw in enumerate(content["datasets"], start=1):
        name = raw.get("id", f"entry {number}") if isinstance(raw, dict) else f"entry {number}"
        if error := next(iter(sorted(_validator().iter_errors(raw), key=_depth_first)), None):
            raise _explain(error, path, name)
        if name in entries:
            raise BadInputError(path, f"{name}: id", "an id that occurs once", "a second entry")
        entries[name] = _entry(raw, path)
    _check_references(entries, path)
    return entries


def get_entry(path: str | Path, dataset: str) -> Entry:
    """Return one entry of the catalogue at `path`; BadInputError for an id that it does not have."""
    entries = load_catalogue(path)
    if dataset not in entries:
        close = difflib.get_close_matches(dataset, entries, n=3)
        expected = f"an id of the catalogue, such as {', '.join(close or list(entries)[:3])}"
        raise BadInputError(path, "dataset", expected, repr(dataset))
    return entries[dataset]


def entry_digest(entry: Entry) -> str:
    """Return a digest of everything in `entry` that decides the imported data, as 16 hexadecimal digits."""
    content = {key: value for key, value in asdict(entry).items() if key not in _NOT_IN_DIGEST}
    content["files"] = [{"path": file.path, "sha256": file.sha256} for file in entry.files]
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _load_yaml(path: Path) -> Any:
    try:
        with path.open(encoding="utf-8") as file:
            loader = _SafeLoader(file)
            try:
                node = loader.get_single_node()
                _refuse_repeated_keys(node, set())
                return None if node is None else loader.construct_document(node)
            finally:
                loader.dispose()
    except FileNotFoundError as error:
        raise BadInputError(path, "file", "a catalogue of datasets", "no such file") from error
    except UnicodeDecodeError as error:
        raise BadInputError(path, "file", "YAML in UTF-8", f"byte {error.object[error.start]:#x}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark else "file"
        raise BadInputError(path, line, "valid YAML", getattr(error, "problem", None) or error) from error


def _refuse_repeated_keys(node: yaml.Node | None, seen: set[int]) -> None:
    """Refuse a mapping with a key twice, of which YAML libraries silently keep the last. Aliases are visited once."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        names = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in names:
                    raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} twice", problem_mark=key.start_mark)
                names.add(key.value)
            _refuse_repeated_keys(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated_keys(item, seen)


@cache
def _schema() -> dict[str, Any]:
    return _load_yaml(SCHEMA)


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(_schema())


def _depth_first(error: ValidationError) -> tuple[bool, int]:
    """Order errors so that an unknown key comes before the missing one it may be a misspelling of."""
    return error.validator != "additionalProperties", len(error.absolute_path)


def _explain(error: ValidationError, path: Path, name: str) -> BadInputError:
    """Return an error of one line that names the file, the entry and the key."""
    keys = [str(key) for key in error.absolute_path]
    schema: dict[str, Any] = dict(error.schema) if isinstance(error.schema, Mapping) else {}
    value: Any = error.instance
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        known = _known_keys(schema)
        unknown = min(str(key) for key in set(value) - known)  # a key may be null or a number
        keys, expected, found = [*keys, unknown], f"one of {', '.join(sorted(known))}", "an unknown key"
    elif error.validator == "required":
        keys, expected, found = [*keys, min(set(schema["required"]) - set(value))], "a value", "nothing"
    else:
        expected = schema.get("description", error.message)
        if error.validator == "enum":
            expected = f"one of {', '.join(map(str, schema['enum']))}"
        elif error.validator == "dependentRequired":
            expected = error.message  # 'test' is a dependency of 'train'
        found = repr(value)[:80]
    return BadInputError(path, f"{name}: {'.'.join(keys) or 'entry'}", expected, found)


def _known_keys(schema: dict[str, Any]) -> set[str]:
    """Return the keys that a schema describes, itself or by the definition it refers to."""
    keys = set(schema.get("properties", {}))
    if "$ref" in schema:
        keys |= _known_keys(_schema()["$defs"][schema["$ref"].rpartition("/")[2]])
    return keys


def _entry(raw: dict[str, Any], path: Path) -> Entry:
    files = tuple(FileSource(**file) for file in raw.get("files", ()))
    if "manifest" in raw:
        files += tuple(_read_manifest(path.parent / raw["manifest"]))
    weights = raw["weights"]
    return Entry(
        id=raw["id"],
        family=raw["family"],
        title=raw["title"],
        product=raw["product"],
        modality=raw["modality"],
        representation=raw["representation"],
        instrument=raw.get("instrument", "UNKNOWN"),
        manufacturer=raw.get("manufacturer", "UNKNOWN"),
        instrument_type=raw.get("instrument_type", "UNKNOWN"),
        mode=raw.get("mode", "UNKNOWN"),
        reader=raw["reader"],
        options=raw.get("options", {}),
        files=files,
        axis=Axis(**raw["axis"]),
        targets=tuple(_target(target) for target in raw.get("targets", ())),
        label=raw.get("label"),
        published_split=raw.get("published_split"),
        expect=Expect(**raw["expect"]),
        overlaps=raw.get("overlaps"),
        paired_with=tuple(raw.get("paired_with", ())),
        licence=raw["licence"],
        weights=weights["use"],
        weights_reason=weights["reason"],
        citation=raw["citation"],
        caveats=raw.get("caveats", ""),
        synthetic=raw.get("synthetic", False),
    )


def _target(raw: dict[str, Any]) -> TargetSpec:
    known = {key: raw[key] for key in ("name", "analyte", "unit", "basis")}
    return TargetSpec(**known, column=raw.get("column", raw["name"]), convert=Convert(**raw.get("convert", {})))


def _read_manifest(path: Path) -> Iterator[FileSource]:
    """Yield the files listed in a tab-separated table with the columns path, url, sha256, bytes."""
    if not path.exists():
        raise BadInputError(path, "file", "a manifest of raw files", "no such file")
    columns = ["path", "url", "sha256", "bytes"]
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        if rows.fieldnames != columns:
            raise BadInputError(path, "header", ", ".join(columns), rows.fieldnames)
        for row in rows:
            raw: dict[str, Any] = {**row, "bytes": int(row["bytes"]) if row["bytes"].isdecimal() else row["bytes"]}
            if error := next(_file_validator().iter_errors(raw), None):
                raise _explain(error, path, f"line {rows.line_num}")
            yield FileSource(**raw)


@cache
def _file_validator() -> Draft202012Validator:
    return Draft202012Validator({"$ref": "#/$defs/file", "$defs": _schema()["$defs"]})


def _check_references(entries: dict[str, Entry], path: Path) -> None:
    for entry in entries.values():
        named = [("overlaps", entry.overlaps)] if entry.overlaps else []
        named += [("paired_with", other) for other in entry.paired_with]
        for key, other in named:
            if other not in entries or other == entry.id:
                raise BadInputError(path, f"{entry.id}: {key}", "the id of another entry", repr(other))
