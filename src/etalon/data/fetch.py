"""Raw files of a dataset: from a mirror folder, the cache or their public address, whichever comes first.

Files are known by their SHA-256 alone. A mirror is read in place and never written to; the cache is laid out like the
catalogue's paths, and nothing stands there under its final name whose checksum has not been compared.
"""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pooch
from requests import HTTPError, RequestException, Response, Timeout
from requests.exceptions import InvalidSchema
from tqdm import tqdm

from etalon.catalogue import Entry, FileSource
from etalon.errors import BadInputError, NotRunError
from etalon.storage import replacing

MIRROR_VARIABLE = "ETALON_MIRROR"
TIMEOUT_S = 30.0

log = logging.getLogger(__name__)


def mirror_folder(given: str | Path | None) -> Path | None:
    """Return the mirror folder: `given`, else the one in the environment variable ETALON_MIRROR, else None.

    Raises
    ------
    BadInputError
        For a folder that does not exist: a misspelt mirror must not end in a download.
    """
    name = given or os.environ.get(MIRROR_VARIABLE)
    if not name:
        return None
    if not Path(name).is_dir():
        raise BadInputError("mirror", "folder", "an existing folder laid out like the catalogue's paths", name)
    return Path(name)


def fetch(entry: Entry, raw: Path, mirror: Path | None = None) -> None:
    """Make every raw file of `entry` available below `mirror` or `raw`, downloading what neither holds.

    Raises
    ------
    NotRunError
        Where a file can be had from nowhere just now; the reason says why and how to try again.
    BadInputError
        Where a file in the mirror or a downloaded one has another checksum than the catalogue's. A downloaded file is
        then discarded; a damaged file in the cache is downloaded again.
    """
    missing = [file for file in entry.files if not _is_there(file, raw, mirror)]
    for file in tqdm(missing, desc=f"fetching {entry.id}", unit="file", disable=not missing):
        try:
            _download(file, raw / file.path)
        except RequestException as error:
            hint = f"try again with `etalon datasets fetch {entry.id}`"
            raise NotRunError(f"{file.path} could not be fetched ({_reason(error, file.url)}); {hint}") from error


def locate(entry: Entry, raw: Path, mirror: Path | None = None) -> dict[str, Path]:
    """Return where each raw file of `entry` lies, by its path in the catalogue; checksums are verified.

    Raises
    ------
    BadInputError
        For a file that is not there or has another checksum than the catalogue's.
    """
    found = {}
    for file in entry.files:
        place = next((path for path in _places(file, raw, mirror) if path.exists()), None)
        if place is None:
            expected = f"a raw file; `etalon datasets fetch {entry.id}` gets it"
            raise BadInputError(raw / file.path, "file", expected, "no such file")
        _verify(place, file)
        found[file.path] = place
    return found


def _places(file: FileSource, raw: Path, mirror: Path | None) -> Iterator[Path]:
    if mirror is not None:
        yield mirror / file.path
    yield raw / file.path


def _is_there(file: FileSource, raw: Path, mirror: Path | None) -> bool:
    if mirror is not None and (mirror / file.path).exists():
        _verify(mirror / file.path, file)
        return True
    cached = raw / file.path
    if not cached.exists():
        return False
    if _sha256(cached) == file.sha256:
        return True
    log.warning("%s is damaged and is fetched again", cached)
    return False


def _download(file: FileSource, target: Path) -> None:
    with replacing(target) as temporary:
        pooch.HTTPDownloader(timeout=TIMEOUT_S, hooks={"response": _stay_encrypted})(file.url, str(temporary), None)
        _verify(temporary, file, name=file.url)


def _stay_encrypted(response: Response, **_: object) -> None:
    """Refuse to follow a redirection from https to anything else, before it is followed."""
    target = urljoin(response.url, response.headers.get("location", ""))
    if response.is_redirect and urlsplit(response.url).scheme == "https" and urlsplit(target).scheme != "https":
        raise InvalidSchema(f"{response.url} leads to {target}, which is not https")


def _verify(path: Path, file: FileSource, name: object = None) -> None:
    found = _sha256(path)
    if found != file.sha256:
        size = f"{path.stat().st_size} bytes" if path.stat().st_size != file.bytes else "the right size"
        raise BadInputError(name or path, "sha256", file.sha256, f"{found} ({size})")


def _sha256(path: Path) -> str:
    return pooch.file_hash(str(path), alg="sha256")


def _reason(error: RequestException, url: str) -> str:
    """Return one short line; the messages of the network libraries fill a screen."""
    host = urlsplit(url).hostname
    if isinstance(error, InvalidSchema):
        return str(error)
    if isinstance(error, HTTPError) and error.response is not None:
        return f"{host} answered {error.response.status_code}"
    if isinstance(error, Timeout):
        return f"{host} did not answer within {TIMEOUT_S:g} s"
    return f"no complete answer from {host}"
