"""What every report of `etalon` promises in a browser, whatever it reports."""

import re
import time
from pathlib import Path
from typing import Any

# A name that would break out of its page if it were not written as text.
HOSTILE = '</script><img src="https://localhost:9/x" onerror="alert(1)">'


def open_report(browser: Any, path: Path) -> Any:
    browser.call("Page.navigate", url=path.as_uri())
    browser.wait_for("document.readyState === 'complete' && document.querySelectorAll('svg.plot').length > 0")
    return browser


def check_it_names_no_other_file(text: str) -> None:
    """`text` is a report in which some sample is called `HOSTILE`."""
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!#)[^"']+""", text.replace(HOSTILE, "")) == []
    assert HOSTILE not in text


def check_nothing_is_fetched_or_goes_wrong(page: Any) -> None:
    time.sleep(0.3)
    page.wait_for("true")
    requested = [request["request"]["url"] for request in page.seen("Network.requestWillBeSent")]
    assert [url for url in requested if not url.startswith("file:")] == []
    assert page.seen("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled") == []


def check_every_figure_is_seen(page: Any, figures: tuple[str, ...], width: int, scheme: str) -> None:
    """Each figure, and no other, is drawn within a window of that width, on the ground of the scheme."""
    page.look(width, scheme)
    boxes = page.wait_for(
        "[...document.querySelectorAll('svg.plot')].map(s => [s.id, s.getBoundingClientRect().width,"
        " s.getBoundingClientRect().height, s.querySelectorAll('path,circle').length])"
    )
    assert {name for name, *_ in boxes} == set(figures)
    assert all(250 < w <= width and h > 100 and marks > 5 for _, w, h, marks in boxes)
    assert page.wait_for(f"document.documentElement.scrollWidth <= {width}")
    ground = page.wait_for("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", ground))) < 60) == (scheme == "dark")


def check_it_prints_on_white(page: Any) -> None:
    page.look(800, "dark", "print")
    assert page.wait_for("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(page.call("Page.printToPDF", printBackground=True)["data"]) > 30_000
    page.look(1280)
