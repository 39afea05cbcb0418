"""What holds for middlewares: each stands in the chain, says what it does, has a test, and knows no other."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools.house.sources import SECTIONS, Finding, House, Source

ORDER_FILE = f"{SECTIONS}/__init__.py"


def middlewares(house: House) -> dict[str, Source]:
    """Return the classes derived from Middleware, with the files they are in."""
    return {
        node.name: source
        for source in house.below(SECTIONS)
        for node in source.tree.body
        if isinstance(node, ast.ClassDef) and any("Middleware" in ast.unparse(base) for base in node.bases)
    }


def ordered(house: House) -> set[str]:
    """Return the classes that stand in `ORDER` or `RESPONSE_ORDER`."""
    for source in house.below(SECTIONS):
        if source.file == ORDER_FILE:
            return {
                element.id
                for node in source.tree.body
                if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Tuple)
                for element in node.value.elts
                if isinstance(element, ast.Name)
            }
    return set()


def out_of_order(house: House) -> Iterator[Finding]:
    """A middleware that is in no chain does nothing."""
    in_order = ordered(house)
    for name, source in middlewares(house).items():
        if name not in in_order:
            yield Finding(source.file, 0, f"{name} stands neither in ORDER nor in RESPONSE_ORDER")


def untested(house: House) -> Iterator[Finding]:
    """The tests of a section import every middleware of it."""
    for name, source in middlewares(house).items():
        section = source.file.split("/")[3]
        tests = house.below(f"tests/unit/middleware/{section}")
        if not any(source.module in test.imports for test in tests):
            yield Finding(source.file, 0, f"no test in tests/unit/middleware/{section}/ imports {name}")


def acquainted(house: House) -> Iterator[Finding]:
    """Middlewares talk through the exchange, and know nothing of each other."""
    modules = {source.module for source in middlewares(house).values()}
    for source in house.below(SECTIONS):
        for other in sorted(modules & source.imports - {source.module}):
            if source.file != ORDER_FILE:
                yield Finding(source.file, 0, f"imports the middleware {other}")
