"""What the site takes from outside docs/: docstrings, the READMEs of folders, and the graph of rules."""

import os
import re
from collections import defaultdict
from html import escape
from pathlib import Path, PurePosixPath
from statistics import fmean
from typing import Any

import networkx as nx
from mkdocs.structure.files import File, Files

from etalon.catalogue import load_catalogue

ROOT = Path(__file__).parents[2]
# Pages whose text lies beside what it describes.
ELSEWHERE = {
    "config/README.md": "reference/configuration.md",
    "benchmarks/README.md": "reference/benchmarks.md",
    "CHANGELOG.md": "reference/changes.md",
}
CATALOGUE = "reference/catalogue.md"
# Packages with a page of the library, in the order of the layers; stages and commands describe themselves by --help.
PACKAGES = {
    "data": "Readers of formats, fetching, axes, folds",
    "preprocess": "Baselines and preprocessing",
    "chemometrics": "Linear methods and calibration transfer",
    "synthesis": "Generated spectra",
    "augment": "Disturbances of training spectra",
    "models": "Encoders",
    "losses": "Objectives",
    "train": "Training",
    "evaluate": "Judging",
    "applied": "Calibrations of own spectra",
    "figures": "Figures and tables",
}
LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)#\s]+)")
MERMAID = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)
TYPE = re.compile(r" \(<code>((?:[^<]|<(?!/code>))*)</code>\)\s*\u2013")
NOTHING = re.compile(r'\u2013?\s*<div class="doc-md-description">\s*</div>')
WORKER = "https://unpkg.com/iframe-worker/shim"
COLUMN, ROW, BOX = 230, 24, 18  # pixels of the graph


def on_config(config: Any) -> Any:
    """Give the section Library its pages."""
    pages = ["library/index.md", *(f"library/{name}.md" for name in PACKAGES)]
    config.nav = [{"Library": pages} if "Library" in part else part for part in config.nav]
    return config


def on_files(files: Files, config: Any) -> Files:
    for source, page in ELSEWHERE.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    top = [path for path in sorted((ROOT / "src/etalon").glob("*.py")) if path.stem not in ("__init__", "cli")]
    files.append(File.generated(config, "library/index.md", content=api_page("The library", "", top)))
    for name, title in PACKAGES.items():
        modules = sorted((ROOT / "src/etalon" / name).rglob("*.py"))
        content = api_page(title, f"Package `etalon.{name}`.", [path for path in modules if path.stem != "__init__"])
        files.append(File.generated(config, f"library/{name}.md", content=content))
    return files


def api_page(title: str, about: str, modules: list[Path]) -> str:
    """Return a page with the docstrings of some modules."""
    names = [".".join(path.relative_to(ROOT / "src").with_suffix("").parts) for path in modules]
    return f"# {title}\n\n{about}\n\n" + "".join(f"::: {name}\n\n" for name in names)


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Let links to files that became pages lead there, and draw graphs, for which a browser would need a script."""
    if page.file.src_uri == CATALOGUE:
        markdown += f"\n## The datasets\n\n{dataset_table()}"
    source = next((place for place, uri in ELSEWHERE.items() if uri == page.file.src_uri), f"docs/{page.file.src_uri}")

    def moved(link: re.Match[str]) -> str:
        target = os.path.normpath(PurePosixPath(source).parent / link[1])
        uri = ELSEWHERE.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else None)
        return link[1] if uri is None else os.path.relpath(uri, PurePosixPath(page.file.src_uri).parent)

    return MERMAID.sub(lambda found: drawn(found[1]), LINK.sub(moved, markdown))


def dataset_table() -> str:
    """Return what the catalogue says of each dataset, as a table."""
    lines = [
        "| id | product | range | samples x channels | targets | weights | licence |",
        "|---|---|---|---|---|---|---|",
    ]
    for entry in load_catalogue(ROOT / "config/datasets.yaml").values():
        size = f"{entry.expect.n_samples} x {entry.expect.n_channels}"
        targets = ", ".join(target.name for target in entry.targets[:5]) + (" ..." if len(entry.targets) > 5 else "")
        cells = (f"`{entry.id}`", entry.product, entry.modality, size, targets or entry.label or "")
        weights = "yes" if entry.weights else "no"
        lines.append("| " + " | ".join(cell.replace("|", " ") for cell in (*cells, weights, entry.licence)) + " |")
    return "\n".join(lines) + "\n"


def on_page_content(html: str, page: Any, config: Any, files: Files) -> str:
    """Show what a docstring says after a parameter's colon as text: here it is a description, not a type."""
    return NOTHING.sub("", TYPE.sub(r": \1", html))


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Take the search's worker for pages on disk from here instead of from the network."""
    return output.replace(WORKER, os.path.relpath("site-worker.js", PurePosixPath(page.file.dest_uri).parent))


def on_post_template(output: str, template_name: str, config: Any) -> str:
    """The same for the page that a server shows for an address without one."""
    return output.replace(WORKER, "site-worker.js")


def drawn(flowchart: str) -> str:
    """Return a Mermaid flowchart as SVG: one column a layer, each node as far left as its inputs allow."""
    graph = nx.DiGraph(re.findall(r"(\w+) --> (\w+)", flowchart))
    layers: dict[str, int] = {}
    for node in nx.topological_sort(graph):
        layers[node] = max((layers[before] + 1 for before in graph.predecessors(node)), default=0)
    columns = defaultdict(list)
    for node, layer in layers.items():
        columns[layer].append(node)
    place: dict[str, tuple[int, int]] = {}
    height = ROW * max(map(len, columns.values()))
    for layer in sorted(columns):
        # Below one another as their inputs are, so that few lines cross.
        means = {node: fmean([place[name][1] for name in graph.predecessors(node)] or [0]) for node in columns[layer]}
        nodes = sorted(means, key=means.__getitem__)
        step = height / len(nodes)
        place |= {node: (10 + COLUMN * layer, int(step * (number + 0.5))) for number, node in enumerate(nodes)}
    lines, boxes = [], []
    wide = COLUMN - 40
    for before, after in graph.edges:
        (x0, y0), (x1, y1) = place[before], place[after]
        lines.append(f'<path d="M{x0 + wide},{y0} C{x0 + wide + 30},{y0} {x1 - 30},{y1} {x1},{y1}"/>')
    for node, (x, y) in place.items():
        boxes.append(f'<rect x="{x}" y="{y - BOX // 2}" width="{wide}" height="{BOX}" rx="3"/>')
        boxes.append(f'<text x="{x + 5}" y="{y + 4}">{escape(node)}</text>')
    size = f'width="{COLUMN * len(columns)}" height="{height}"'
    return f'<div class="graph"><svg {size} role="img" aria-label="Graph of rules">{"".join(lines + boxes)}</svg></div>'
