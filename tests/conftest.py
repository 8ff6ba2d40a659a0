"""Raw files and a browser: what some tests need, where it comes from, and what happens without it."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no failure.
settings.register_profile("etalon", deadline=None)
settings.load_profile("etalon")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MIRROR = os.environ.get("ETALON_MIRROR")
# For each marker: whether the test can run, why not, and the variable with which that is no excuse.
NEEDS = {
    "mirror": (MIRROR is not None, "ETALON_MIRROR names no folder with raw files", "ETALON_REQUIRE_MIRROR"),
    "chromium": (CHROMIUM is not None, "no Chromium on the PATH", "ETALON_REQUIRE_CHROMIUM"),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first: started last, one would keep a worker busy when the others are done."""
    patience: dict[Path, float] = {}
    for item in items:
        limit, slow = item.get_closest_marker("timeout"), item.get_closest_marker("slow")
        patience[item.path] = max(patience.get(item.path, 0), limit.args[0] if limit else slow is not None)
    items.sort(key=lambda item: -patience[item.path])


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, (available, reason, requirement) in NEEDS.items():
        if item.get_closest_marker(marker) and not available:
            if os.environ.get(requirement) == "1":
                pytest.fail(f"{reason}, though {requirement}=1", pytrace=False)
            pytest.skip(reason)


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder with raw public files, laid out like the paths of the catalogue; for tests marked `mirror`."""
    assert MIRROR is not None, "mark the test with pytest.mark.mirror"
    return Path(MIRROR)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; for tests marked `chromium`."""
    assert CHROMIUM is not None, "mark the test with pytest.mark.chromium"
    return CHROMIUM
