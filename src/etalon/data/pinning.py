"""Entries of libraries whose files have no checksum yet: fetched once, then known by what was found.

A template is an entry of the catalogue without `sha256` and `bytes` of its files and without `expect.n_samples`: nobody
who wrote it had read the files, or they change without notice. `pin` makes a complete entry of it, so that all that
follows, checksums included, is as with any other dataset.
"""

import copy
import tempfile
from pathlib import Path
from typing import Any

import pooch
import yaml

from etalon.catalogue import Entry, load_catalogue
from etalon.data.fetch import TIMEOUT_S, _stay_encrypted
from etalon.data.readers import ossl
from etalon.errors import BadInputError
from etalon.storage import replacing

Template = dict[str, Any]


def load_templates(path: Path) -> dict[str, Template]:
    """Return the entries of a file of templates by id."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {entry["id"]: entry for entry in content["datasets"]}


def pin(template: Template, raw: Path, mirror: Path | None = None) -> Template:
    """Return the complete entry of a template; its files are taken from `mirror` or `raw`, else downloaded into `raw`.

    Raises
    ------
    BadInputError
        Where the files do not hold what the template says, or the number of channels is not the expected one.
    requests.RequestException
        Where a file cannot be had.
    """
    entry = copy.deepcopy(template)
    places: dict[str, Path] = {}
    for file in entry["files"]:
        place = _place(file, raw, mirror)
        file |= {"sha256": pooch.file_hash(str(place), alg="sha256"), "bytes": place.stat().st_size}
        places[file["path"]] = place
    # The size is what is looked for: 1 stands in its place, so that the rest can be checked.
    n_samples, n_channels = ossl.size(_checked(entry | {"expect": {"n_samples": 1, **entry["expect"]}}), places)
    if n_channels != entry["expect"]["n_channels"]:
        raise BadInputError(entry["id"], "expect.n_channels", str(entry["expect"]["n_channels"]), n_channels)
    entry["expect"] = {"n_samples": n_samples, **entry["expect"]}
    return entry


def write_catalogue(path: Path, base: Path, entries: list[Template]) -> None:
    """Write the text of the catalogue `base` with `entries` after it; BadInputError where that is no catalogue."""
    text = base.read_text(encoding="utf-8").rstrip("\n")
    added = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=120)
    with replacing(path) as temporary:
        temporary.write_text(f"{text}\n\n# Pinned libraries.\n{added}", encoding="utf-8")
        load_catalogue(temporary)


def _checked(entry: Template) -> Entry:
    """Return an entry as the catalogue reads it, for itself: without the sets it is paired with."""
    alone = {key: value for key, value in entry.items() if key not in ("paired_with", "overlaps")}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "datasets.yaml"
        path.write_text(yaml.safe_dump({"datasets": [alone]}), encoding="utf-8")
        return load_catalogue(path)[entry["id"]]


def _place(file: dict[str, str], raw: Path, mirror: Path | None) -> Path:
    for folder in (mirror, raw):
        if folder is not None and (folder / file["path"]).exists():
            return folder / file["path"]
    target = raw / file["path"]
    with replacing(target) as temporary:
        download = pooch.HTTPDownloader(timeout=TIMEOUT_S, progressbar=True, hooks={"response": _stay_encrypted})
        download(file["url"], str(temporary), None)
    return target
