"""Fetching from a mirror, the cache and a server on this machine: what is kept, and what is said when it fails."""

import dataclasses
import hashlib
import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from entries import plain_entry
from etalon.catalogue import Entry, FileSource
from etalon.data.fetch import fetch, locate, mirror_folder
from etalon.errors import BadInputError, NotRunError

BODY = b"1000,1010\n0.1,0.2\n" * 1000


class Server(http.server.ThreadingHTTPServer):
    """Answers with BODY, less than it announces, garbage, or 404, by path; remembers what was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name = self.path.lstrip("/")
        self.server.asked.append(name)
        if name == "absent":
            self.send_error(404)
            return
        body = b"<html>moved</html>" if name == "garbage" else BODY
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if name == "truncated" else body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on standard error."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def entry(*urls: str) -> Entry:
    """Return an entry with one file a url, named like it; all are expected to hold BODY."""
    files = [
        FileSource(f"apples/{url.rpartition('/')[2]}", url, hashlib.sha256(BODY).hexdigest(), len(BODY)) for url in urls
    ]
    return plain_entry(files=tuple(files))


def kept(folder: Path) -> list[Path]:
    """Return all files below a folder, temporary ones too."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_downloaded_once(server, tmp_path):
    apples = entry(server.url("a.csv"), server.url("b.csv"))
    fetch(apples, tmp_path)
    assert {path: file.read_bytes() for path, file in locate(apples, tmp_path).items()} == {
        "apples/a.csv": BODY,
        "apples/b.csv": BODY,
    }
    fetch(apples, tmp_path)
    assert server.asked == ["a.csv", "b.csv"]


def test_a_wrong_checksum_keeps_nothing_and_names_file_expected_and_found(server, tmp_path):
    apples = entry(server.url("garbage"))
    with pytest.raises(BadInputError) as caught:
        fetch(apples, tmp_path)
    assert caught.value.where == server.url("garbage")
    assert caught.value.field == "sha256"
    assert caught.value.expected == apples.files[0].sha256
    assert caught.value.found.startswith(hashlib.sha256(b"<html>moved</html>").hexdigest())
    assert "18 bytes" in caught.value.found
    assert kept(tmp_path) == []


@pytest.mark.parametrize(("name", "reason"), [("truncated", "no complete answer from"), ("absent", "answered 404")])
def test_a_download_that_fails_keeps_nothing_and_says_how_to_try_again(server, tmp_path, name, reason):
    with pytest.raises(NotRunError) as caught:
        fetch(entry(server.url(name)), tmp_path)
    assert f"apples/{name}" in caught.value.reason
    assert reason in caught.value.reason
    assert "`etalon datasets fetch apples`" in caught.value.reason
    assert "\n" not in caught.value.reason
    assert kept(tmp_path) == []


def test_a_server_that_is_not_there_is_a_reason(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NotRunError, match=r"no complete answer from 127\.0\.0\.1"):
        fetch(entry(f"http://127.0.0.1:{port}/a.csv"), tmp_path)
    assert kept(tmp_path) == []


def test_files_that_came_before_a_failure_are_not_fetched_again(server, tmp_path):
    with pytest.raises(NotRunError):
        fetch(entry(server.url("a.csv"), server.url("absent")), tmp_path)
    fetch(entry(server.url("a.csv"), server.url("b.csv")), tmp_path)
    assert server.asked == ["a.csv", "absent", "b.csv"]


def test_a_damaged_file_in_the_cache_is_fetched_again(server, tmp_path):
    apples = entry(server.url("a.csv"))
    cached = tmp_path / "apples" / "a.csv"
    cached.parent.mkdir()
    cached.write_bytes(BODY[:-1])
    with pytest.raises(BadInputError, match="sha256"):
        locate(apples, tmp_path)
    fetch(apples, tmp_path)
    assert cached.read_bytes() == BODY


def test_a_mirror_is_used_in_place_and_never_written_to(server, tmp_path):
    mirror, raw = tmp_path / "mirror", tmp_path / "raw"
    (mirror / "apples").mkdir(parents=True)
    original = mirror / "apples" / "a.csv"
    original.write_bytes(BODY)
    for path in (original, original.parent, mirror):
        path.chmod(path.stat().st_mode & 0o555)
    apples = entry(server.url("a.csv"))
    fetch(apples, raw, mirror)
    assert locate(apples, raw, mirror) == {"apples/a.csv": original}
    assert server.asked == []
    assert kept(raw) == []


def test_what_a_mirror_lacks_is_downloaded(server, tmp_path):
    (tmp_path / "mirror" / "apples").mkdir(parents=True)
    (tmp_path / "mirror" / "apples" / "a.csv").write_bytes(BODY)
    apples = entry(server.url("a.csv"), server.url("b.csv"))
    fetch(apples, tmp_path / "raw", tmp_path / "mirror")
    assert server.asked == ["b.csv"]
    assert kept(tmp_path / "mirror") == [tmp_path / "mirror" / "apples" / "a.csv"]
    assert (
        locate(apples, tmp_path / "raw", tmp_path / "mirror")["apples/b.csv"] == tmp_path / "raw" / "apples" / "b.csv"
    )


def test_a_mirror_with_another_file_of_that_name_is_an_error_and_stays_as_it_is(server, tmp_path):
    other = tmp_path / "mirror" / "apples" / "a.csv"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"other")
    with pytest.raises(BadInputError) as caught:
        fetch(entry(server.url("a.csv")), tmp_path / "raw", tmp_path / "mirror")
    assert caught.value.where == str(other)
    assert other.read_bytes() == b"other"
    assert server.asked == []


def test_a_file_that_was_never_fetched_is_named_with_the_command_that_gets_it(tmp_path):
    with pytest.raises(BadInputError, match="etalon datasets fetch apples"):
        locate(entry("https://example.org/a.csv"), tmp_path)


def test_data_without_files_needs_nothing(tmp_path):
    nothing = dataclasses.replace(entry(), files=())
    fetch(nothing, tmp_path / "raw")
    assert locate(nothing, tmp_path / "raw") == {}
    assert not (tmp_path / "raw").exists()


def test_the_mirror_is_the_one_given_or_the_one_in_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv("ETALON_MIRROR", raising=False)
    assert mirror_folder(None) is None
    monkeypatch.setenv("ETALON_MIRROR", str(tmp_path))
    assert mirror_folder(None) == tmp_path
    (tmp_path / "given").mkdir()
    assert mirror_folder(tmp_path / "given") == tmp_path / "given"
    with pytest.raises(BadInputError, match="an existing folder"):
        mirror_folder(tmp_path / "misspelt")
