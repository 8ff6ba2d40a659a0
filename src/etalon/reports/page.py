"""The frame of a report: one HTML file with its style, its script and the names of its samples inside."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

# The browser itself refuses whatever is not in the file.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"

Sample = Sequence[tuple[str, str]]


def page(title: str, body: str, samples: Sequence[Sample]) -> str:
    """Return a whole HTML page.

    Parameters
    ----------
    body : HTML of what stands in `main`
    samples : for each number that marks carry, what is said of it: pairs of name and value
    """
    here = files(__package__)
    style, script = ((here / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    # Within a script element nothing but its end tag is special.
    data = json.dumps([list(map(list, sample)) for sample in samples], ensure_ascii=False).replace("<", "\\u003c")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#figures">To the figures</a>
<main>
{body}
</main>
<div id="tip" role="status" hidden></div>
<div id="spoken" class="hidden" aria-live="polite"></div>
<script type="application/json" id="samples">{data}</script>
<script>
{script}</script>
</body>
</html>
"""


def figure(svg: str, title: str, caption: str) -> str:
    return f"<figure><h3>{escape(title)}</h3>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], caption: str, kept: int | None = None, texts: int = 1
) -> str:
    """Return a table; cells are HTML. The first `texts` columns hold text, the others numbers."""

    def cell(tag: str, column: int, content: str) -> str:
        scope = ' scope="col"' if tag == "th" else ""
        kind = "" if column < texts else ' class="n"'
        return f"<{tag}{scope}{kind}>{content}</{tag}>"

    head = "".join(cell("th", column, name) for column, name in enumerate(header))
    body = "".join(
        ('<tr class="kept">' if number == kept else "<tr>")
        + "".join(cell("td", column, content) for column, content in enumerate(row))
        + "</tr>\n"
        for number, row in enumerate(rows)
    )
    said = escape(caption)
    return (
        f'<p class="caption">{said}</p><div class="scroll" tabindex="0" role="region" aria-label="{said}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>"
    )


def sample_button(number: int, name: str) -> str:
    return f'<button type="button" class="sample" data-sample="{number}">{escape(name)}</button>'
