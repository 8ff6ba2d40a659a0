"""Nothing is fetched but by https, and nothing is kept whose checksum is not the catalogue's."""

from pathlib import Path

import pytest
import yaml
from requests import Response

from etalon.catalogue import FileSource, load_catalogue
from etalon.data import fetch, pinning
from etalon.data.fetch import _reason, _stay_encrypted
from etalon.errors import BadInputError

REPOSITORY = Path(__file__).parents[2]


def redirection(url: str, location: str) -> Response:
    response = Response()
    response.url, response.status_code, response.headers["location"] = url, 302, location
    return response


@pytest.mark.parametrize("location", ["http://example.org/a", "ftp://example.org/a", "file:///etc/passwd"])
def test_a_redirection_away_from_https_is_refused_before_it_is_followed(location):
    with pytest.raises(OSError, match="not https") as error:
        _stay_encrypted(redirection("https://example.org/a", location))
    assert location in _reason(error.value, "https://example.org/a")


@pytest.mark.parametrize("location", ["https://mirror.example.org/a", "/b", "b"])
def test_a_redirection_within_https_is_followed(location):
    _stay_encrypted(redirection("https://example.org/a", location))


@pytest.mark.parametrize("pinned", [False, True])
def test_what_is_fetched_and_what_is_pinned_both_refuse_it(pinned, tmp_path, monkeypatch):
    """A library that is pinned has no checksum yet, which would show what was changed on the way."""

    def answer(url, hooks, **_):
        hooks["response"](redirection(url, "http://example.org/a"))
        pytest.fail("the redirection was followed")

    monkeypatch.setattr("requests.get", answer)
    file = {"path": "a.csv", "url": "https://example.org/a"}
    with pytest.raises(OSError, match="not https"):
        if pinned:
            pinning._place(file, tmp_path, None)
        else:
            fetch._download(FileSource(**file, sha256="0" * 64, bytes=1), tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


def test_every_file_of_the_catalogue_has_an_https_address_and_a_checksum():
    files = [file for entry in load_catalogue(REPOSITORY / "config/datasets.yaml").values() for file in entry.files]
    assert len(files) > 900
    assert all(file.url.startswith("https://") and len(file.sha256) == 64 for file in files)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("url", "http://example.org/a.csv"),
        ("url", "file:///etc/passwd"),
        ("sha256", "0"),
        ("path", "../a.csv"),
        ("path", "/etc/a.csv"),
        ("path", "a/../../a.csv"),
        ("path", ".ssh/a.csv"),
    ],
)
def test_an_entry_with_another_address_or_place_is_refused(key, value, tmp_path):
    text = (REPOSITORY / "config/datasets.yaml").read_text()
    entry = next(e for e in yaml.safe_load(text)["datasets"] if e.get("files") and not e.get("paired_with"))
    entry["files"][0][key] = value
    (tmp_path / "datasets.yaml").write_text(yaml.safe_dump({"datasets": [entry]}))
    with pytest.raises(BadInputError, match=rf"files\.0\.{key}"):
        load_catalogue(tmp_path / "datasets.yaml")
