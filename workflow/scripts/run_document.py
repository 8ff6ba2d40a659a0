"""Run what a page of the documentation tells its reader to type, and compare what comes back with what the page shows.

Usage: python workflow/scripts/run_document.py docs/tutorial.md [--folder DIR] [--write]

Blocks marked `sh` are run by bash one after the other, in one folder. A block marked `python` whose first line is a
comment with a file name is written to that file. A block marked `text` right after an `sh` block shows its output; a
line `...` in it stands for any lines. Numbers may differ: another processor rounds otherwise. With --write, empty
`text` blocks are filled with what came back.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from etalon.storage import replacing

BLOCK = re.compile(r"^```(sh|python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w.]+\.py)\n")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
ANYTHING = "..."
# The commands of this environment come first; lines keep the width of a page.
SETUP = f'export PATH="{Path(sys.executable).parent}:$PATH" COLUMNS=100\n'


@dataclass(frozen=True)
class Step:
    """Commands, and the place and text of the block that shows their output, if one does."""

    commands: str
    shown: re.Match[str] | None


def steps(page: str, folder: Path) -> Iterator[Step]:
    """Yield the steps of a page; files that it gives are written to `folder` on the way."""
    blocks = list(BLOCK.finditer(page))
    for number, block in enumerate(blocks):
        if block[1] == "python" and (name := FILE.match(block[2])):
            (folder / name[1]).write_text(block[2])
        elif block[1] == "sh":
            follows = blocks[number + 1] if number + 1 < len(blocks) else None
            beside = follows is not None and not page[block.end() : follows.start()].strip()
            yield Step(block[2], follows if beside and follows is not None and follows[1] == "text" else None)


def run(commands: str, folder: Path) -> str:
    """Return what commands print; raises CalledProcessError with it where one fails."""
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", SETUP + commands],
        cwd=folder,
        env=os.environ | {"HOME": os.environ.get("HOME", str(folder))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if result.returncode:
        raise subprocess.CalledProcessError(result.returncode, commands, result.stdout)
    # Where this machine keeps things is nobody's concern.
    text = result.stdout.replace(str(folder), ".").replace(str(Path(sys.executable).parent), ".venv/bin")
    return text.rstrip() + "\n"


def pattern(shown: str) -> re.Pattern[str]:
    """Return what matches an output as it is shown, but for numbers, blanks and left-out lines."""
    lines = []
    for line in shown.rstrip().splitlines():
        if line.strip() == ANYTHING:
            lines.append(r"(?:.*\n)*?")
        else:
            words = [NUMBER.sub("0", word) for word in line.split()]
            lines.append(r"\s*" + r"\s+".join(map(re.escape, words)) + r"\s*\n")
    return re.compile("".join(lines))


def agrees(shown: str, found: str) -> bool:
    masked = "".join(NUMBER.sub("0", line) + "\n" for line in found.splitlines())
    return pattern(shown).fullmatch(masked) is not None


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("page", type=Path)
    arguments.add_argument("--folder", type=Path, help="where to run it; a temporary folder where left out")
    arguments.add_argument("--write", action="store_true", help="fill the empty blocks of output")
    args = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="page-") as temporary:
        folder = (args.folder or Path(temporary)).resolve()
        wrong, page = follow(args.page.read_text(), folder)
    if args.write:
        with replacing(args.page) as new:
            new.write_text(page)
    for step, found in wrong:
        print(f"{args.page}: expected after\n{step.commands}\n{step.shown and step.shown[2]}\nfound\n{found}")
    sys.exit(bool(wrong) and not args.write)


def follow(page: str, folder: Path) -> tuple[list[tuple[Step, str]], str]:
    """Do what a page says. Return the steps that ended otherwise than shown, and the page with empty outputs filled."""
    wrong, parts, done = [], [], 0
    for step in steps(page, folder):
        try:
            found, failed = run(step.commands, folder), False
        except subprocess.CalledProcessError as error:
            found, failed = error.output, True
        shown = step.shown
        if failed or (shown is not None and shown[2].strip() and not agrees(shown[2], found)):
            wrong.append((step, found))
        if shown is not None and not shown[2].strip():
            parts += [page[done : shown.start()], f"```text\n{found}```"]
            done = shown.end()
    return wrong, "".join([*parts, page[done:]])


if __name__ == "__main__":
    main()
