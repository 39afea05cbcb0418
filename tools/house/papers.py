"""What is written beside the code: generated pages are fresh, and what pages point to is there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

from tools.house.sources import Finding, House

GENERATED = {
    "docs/reference/settings.md": "sluicegate.settings.reference",
    "docs/reference/metrics.md": "sluicegate.analytics.reference",
}
"""Page and the module that prints it."""

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
CODE_PATH = re.compile(
    r"`((?:src|tests|docs|tools|benchmarks|examples)/[\w./-]*|[a-z_]+(?:/[a-z0-9_]+)*/[a-z0-9_]+\.py)`"
)


def stale_pages(house: House) -> Iterator[Finding]:
    """`make docs` would change nothing."""
    for page, module in GENERATED.items():
        made = subprocess.run([sys.executable, "-m", module], capture_output=True, check=True, cwd=house.root)
        if house.papers.get(page) != made.stdout.decode():
            yield Finding(page, 0, "not what the code says; run make docs")


def dead_links(house: House) -> Iterator[Finding]:
    """Links inside the repository lead somewhere."""
    for file, number, line in _lines(house):
        for link in LINK.findall(line):
            if not ((house.root / file).parent / link).exists():
                yield Finding(file, number, f"no such file: {link}")


def dead_paths(house: House) -> Iterator[Finding]:
    """Files that are named are there; of those in the package the folder `src/sluicegate` may be left out."""
    for file, number, line in _lines(house):
        for path in CODE_PATH.findall(line):
            if not any((base / path).exists() for base in (house.root, house.root / "src/sluicegate")):
                yield Finding(file, number, f"no such file: {path}")


def _lines(house: House) -> Iterator[tuple[str, int, str]]:
    for file, text in house.papers.items():
        for number, line in enumerate(text.splitlines(), 1):
            yield file, number, line
