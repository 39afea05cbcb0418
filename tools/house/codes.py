"""Codes of rejections: logs and metrics know an answer by its code, so each is given out once."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools.house.sources import Finding, House

CODE_PLACE = 2
"""Where the code stands among the arguments of `Rejection`."""


def shared_codes(house: House) -> Iterator[Finding]:
    """Two rejections with one code cannot be told apart."""
    first: dict[str, str] = {}
    for file, line, code in _codes(house):
        if code in first:
            yield Finding(file, line, f"code {code!r} is taken: {first[code]}")
        else:
            first[code] = f"{file}:{line}"


def _codes(house: House) -> Iterator[tuple[str, int, str]]:
    for source in house.below("src"):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Rejection":
                for argument in _code_of(node):
                    if isinstance(argument, ast.Constant):
                        yield source.file, node.lineno, str(argument.value)


def _code_of(call: ast.Call) -> list[ast.expr]:
    named = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
    return named or call.args[CODE_PLACE : CODE_PLACE + 1]
