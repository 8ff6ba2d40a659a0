"""A copy of the workflow in which a test may run, edit and break things."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
PARTS = ("Snakefile", "config", "workflow", "profiles", "envs", "src")
FAKES = Path(__file__).parent / "fake_stages"
# Jobs of a group stand indented below it.
JOB = re.compile(r"^( *)(?:local)?rule (\w+):\n((?:\1    .*\n)*)(?: *Shell command: (python .*))?", re.MULTILINE)
LINE = re.compile(r"^ +(\w+): (.*)$", re.MULTILINE)

# A dataset whose one file is not there to be fetched.
ABSENT = """
- id: absent
  family: absent
  title: A dataset that cannot be had
  product: none
  modality: nir
  representation: absorbance
  reader: delimited
  options: {parts: [{spectra: absent.csv}]}
  files:
  - {path: absent/absent.csv, url: "https://localhost:9/absent.csv", sha256: %s, bytes: 1}
  axis: {unit: nm}
  targets:
  - {name: moisture, analyte: moisture, unit: "%%", basis: as_is}
  expect: {n_samples: 10, n_channels: 10}
  licence: not stated
  weights: {use: no, reason: There is none.}
  citation: none
""" % ("a" * 64)


@dataclass(frozen=True)
class PlannedJob:
    """A job of a dry run: its rule and the lines that Snakemake prints about it, by their first word."""

    rule: str
    lines: dict[str, str]
    shell: str

    @property
    def dataset(self) -> str | None:
        found = re.search(r"\bdataset=(\w+)", self.lines.get("wildcards", ""))
        return found and found[1]


@dataclass(frozen=True)
class Workflow:
    """The workflow in `folder`; with `fake`, stages write empty files instead of computing."""

    folder: Path
    fake: bool = False
    options: tuple[str, ...] = ()  # those that choose its configuration

    def snakemake(self, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        path = [self.folder / "src", *([FAKES] if self.fake else [])]
        variables = {k: v for k, v in os.environ.items() if k not in ("ETALON_MIRROR", "SNAKEMAKE_PROFILE")}
        variables |= {
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            "XDG_CACHE_HOME": str(self.folder / ".cache"),
            "TABPFN_MODEL_CACHE_DIR": str(self.folder / ".cache/tabpfn"),
        }
        return subprocess.run(
            [sys.executable, "-m", "snakemake", *arguments],
            cwd=self.folder,
            env=variables | (environment or {}),
            capture_output=True,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        """Run Snakemake; return what it says. A failure shows the logs."""
        result = self.snakemake(*arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    def ship(self, run: str) -> None:
        """Put an empty file in the place of every metrics table that is shipped of a run."""
        for table in (REPOSITORY / "results/reference" / run / "metrics").glob("*.parquet"):
            copy = self.folder / table.relative_to(REPOSITORY)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.touch()

    def plan(self, *arguments: str) -> list[PlannedJob]:
        """Return the jobs of a dry run."""
        jobs = JOB.findall(self.run(*arguments, "--dry-run", "--printshellcmds"))
        return [PlannedJob(rule, dict(LINE.findall(lines)), shell) for _, rule, lines, shell in jobs]


class Page:
    """A page in a headless Chromium, spoken to through the pipes of the DevTools protocol."""

    def __init__(self, to_browser: int, from_browser: int):
        self._to, self._from, self._rest, self._count = to_browser, from_browser, b"", 0
        self.events: list[dict[str, Any]] = []
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._count:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            chunk = os.read(self._from, 1 << 20)
            assert chunk, "the browser has gone"
            self._rest += chunk
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def wait_for(self, expression: str) -> Any:
        """Return the value of a JavaScript expression as soon as it has a true one; the report renders itself late."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
            if "exceptionDetails" not in answer and (value := answer["result"].get("value")):
                return value
            time.sleep(0.05)
        raise AssertionError(f"never true in the browser: {expression}")

    def click(self, selector: str, text: str = "") -> None:
        elements, text = f"[...document.querySelectorAll({json.dumps(selector)})]", json.dumps(text)
        self.wait_for(f"(x => x && (x.click(), true))({elements}.find(x => x.innerText.includes({text})))")

    def look(self, width: int, scheme: str = "light", media: str = "screen") -> None:
        """Show the page as a window, phone or printer of that width does, to a person who wants light or dark."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            code = {"Tab": 9}.get(key, 0)
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def seen(self, *methods: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.events if event["method"] in methods]


@contextlib.contextmanager
def open_page(executable: str, profile: Path) -> Iterator[Page]:
    child_in, to_browser = os.pipe()
    from_browser, child_out = os.pipe()
    # Chromium listens on descriptor 3 and speaks on descriptor 4.
    command = f'exec "$0" "$@" 3<&{child_in} 4>&{child_out}'
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--remote-debugging-pipe"]
    process = subprocess.Popen(
        ["bash", "-c", command, executable, *options, "about:blank"],
        pass_fds=(child_in, child_out),
        stderr=subprocess.DEVNULL,
    )
    os.close(child_in)
    os.close(child_out)
    try:
        yield Page(to_browser, from_browser)
    finally:
        os.close(to_browser)
        process.terminate()
        process.wait(timeout=20)
        os.close(from_browser)


@pytest.fixture
def page(chromium: str, tmp_path: Path) -> Iterator[Page]:
    """An empty page in a browser of its own."""
    with open_page(chromium, tmp_path / "chromium") as page:
        yield page


@pytest.fixture(scope="module")
def browser(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """An empty page that the tests of a module share."""
    with open_page(chromium, tmp_path_factory.mktemp("browser")) as page:
        yield page


def copy_to(folder: Path) -> Path:
    """Copy the workflow, without data and results."""
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(source, folder / part)
    (folder / "slurm").symlink_to("profiles/slurm")
    return folder


@pytest.fixture(scope="module")
def workflow(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The workflow in a folder of its own, without data."""
    return Workflow(copy_to(tmp_path_factory.mktemp("etalon")))


@pytest.fixture
def editable(tmp_path: Path) -> Workflow:
    """Another copy, for one test to edit."""
    return Workflow(copy_to(tmp_path))


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The test run, really computed, with a third dataset that cannot be had."""
    folder = copy_to(tmp_path_factory.mktemp("computed"))
    with (folder / "config/datasets.yaml").open("a") as catalogue:
        catalogue.write(ABSENT)
    included = yaml.safe_load((folder / "config/test.yaml").read_text())["datasets"]["include"]
    chosen = f"datasets={{include: [{', '.join(included)}, absent]}}"
    workflow = Workflow(folder, options=("--configfile", "config/test.yaml", "--config", chosen))
    workflow.run("all", "--cores", "2", *workflow.options)
    return workflow


@pytest.fixture(scope="module")
def report(computed: Workflow, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The report of the test run, opened."""
    computed.run("--report", "report.html", *computed.options)
    with open_page(chromium, tmp_path_factory.mktemp("chromium")) as page:
        page.call("Page.navigate", url=(computed.folder / "report.html").as_uri())
        page.wait_for("document.querySelector('#app').innerText")
        yield page
