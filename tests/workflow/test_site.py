"""The documentation site is built with all links checked, and opens from disk without network."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGES = ("index.html", "tutorial.html", "reference/plan.html", "library/models.html", "results.html")
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    # With --quiet the warnings that make --strict fail are not counted.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(REPOSITORY / "src")}
    result = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.mark.slow
def test_every_page_is_there_and_asks_for_nothing_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        assert 'src="http' not in page.read_text()
    assert "LeaveSpecimenOutRidge" in (site / "library/chemometrics.html").read_text()
    assert "corn_m5" in (site / "reference/catalogue.html").read_text()


@pytest.mark.slow
@pytest.mark.chromium
def test_pages_open_from_disk_at_the_width_of_a_phone_and_can_be_searched(site, page):
    page.call("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
    for name in PAGES:
        page.call("Page.navigate", url=(site / name).as_uri())
        page.wait_for(f"location.pathname.endsWith('{name}') && document.readyState === 'complete'")
        assert page.wait_for(f"{OVERFLOW} === 0")
    typed = "(i => (i.focus(), i.value = 'conformal', i.dispatchEvent(new Event('input', {bubbles: true})), true))"
    page.wait_for(f"{typed}(document.querySelector('.md-search__input'))")
    page.wait_for("document.querySelector('.md-search__input').dispatchEvent(new Event('keyup', {bubbles: true}))")
    assert page.wait_for("document.querySelectorAll('.md-search-result__item').length > 0")
    requested = [request["request"]["url"] for request in page.seen("Network.requestWillBeSent")]
    assert all(url.startswith(("file:", "data:", "blob:", "about:")) for url in requested)
    assert page.seen("Runtime.exceptionThrown", "Log.entryAdded") == []
