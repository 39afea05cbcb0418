"""How files look: their length, their names, their docstrings, what may not stand in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tools.house.sources import Finding, House

LONGEST_FILE_LINES = 400
LONGEST_FUNCTION_LINES = 60
EMPTY_NAMES = frozenset(("utils", "util", "helpers", "helper", "common", "manager", "handler", "misc"))
LEFT_OVER = re.compile(r"#.*\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")

EXCEPTIONS: dict[tuple[str, str], str] = {}
"""(file, function or "") that may be longer, and why."""


def long_files(house: House) -> Iterator[Finding]:
    """A file holds one idea, on few screens."""
    for source in house.sources:
        lines = source.text.count("\n")
        if lines > LONGEST_FILE_LINES and (source.file, "") not in EXCEPTIONS:
            yield Finding(source.file, 0, f"{lines} lines, more than {LONGEST_FILE_LINES}")


def long_functions(house: House) -> Iterator[Finding]:
    """A function fits on one screen."""
    for source in house.sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION_LINES and (source.file, node.name) not in EXCEPTIONS:
                    what = f"{node.name}: {lines} lines, more than {LONGEST_FUNCTION_LINES}"
                    yield Finding(source.file, node.lineno, what)


def empty_names(house: House) -> Iterator[Finding]:
    """A name says what is in the file."""
    for source in house.sources:
        for part in Path(source.file).with_suffix("").parts:
            if part in EMPTY_NAMES:
                yield Finding(source.file, 0, f"{part!r} says nothing about what is in it")


def no_docstrings(house: House) -> Iterator[Finding]:
    """Every module says what it is; a package that only groups need not, and a test's name says enough."""
    for source in house.sources:
        if source.text.strip() and not source.file.startswith("tests/") and ast.get_docstring(source.tree) is None:
            yield Finding(source.file, 1, "no module docstring")


def left_overs(house: House) -> Iterator[Finding]:
    """What is to be done stands in the tracker, not in the code."""
    for source in house.sources:
        for number, line in enumerate(source.text.splitlines(), 1):
            if LEFT_OVER.search(line):
                yield Finding(source.file, number, f"left over: {line.strip()}")
