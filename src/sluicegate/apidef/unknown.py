"""Fields of a document that it cannot have: mistyped ones, mostly.

Whoever reads a document reads over them, as Go does. `sluicegate check` tells of them.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any

from sluicegate.apidef.classic import APIDefinition
from sluicegate.apidef.gojson import parse
from sluicegate.apidef.goreaders import Struct, unwrapped
from sluicegate.apidef.gotypes import GoStruct
from sluicegate.apidef.oas.document import EXTENSION
from sluicegate.apidef.oas.gateway import XTykAPIGateway
from sluicegate.apidef.policy_document import Policy
from sluicegate.errors import ConfigError

MOST = 20
"""Unknown fields of one document that are told of."""
LONGEST_NAME = 80


def unknown_fields(text: bytes, source: str) -> Iterator[ConfigError]:
    """Yield what a classic definition, or the extension of an OpenAPI document, says in fields that nobody knows."""
    try:
        document = parse(text)
    except ConfigError:  # its references have not been put in
        return
    if isinstance(document, dict) and EXTENSION in document:
        found = _of(document[EXTENSION], XTykAPIGateway, EXTENSION)
    else:
        found = _of(document, APIDefinition, "")
    yield from _told(found, source)


def unknown_policy_fields(document: Any, source: str) -> Iterator[ConfigError]:
    """Yield what a policy, as JSON says it, has in fields that nobody knows."""
    yield from _told(_of(document, Policy, ""), source)


def _told(found: Iterator[tuple[str, str]], source: str) -> Iterator[ConfigError]:
    for path, guess in islice(found, MOST):
        yield ConfigError(f"{source}: {path}", "unknown field" + (f"; did you mean {guess}?" if guess else ""))


def _of(value: Any, kind: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield path and likely name of each unknown field of a value that is read as `kind`."""
    hint, _ = unwrapped(kind)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        yield from _of(value, arguments[0], path)
    elif origin is Sequence and isinstance(value, list):
        for at, item in enumerate(value):
            yield from _of(item, arguments[0], f"{path}[{at}]")
    elif isinstance(value, dict):
        if origin is Mapping:
            for key, item in value.items():
                yield from _of(item, arguments[1], _joined(path, key))
        elif isinstance(hint, type) and issubclass(hint, GoStruct):
            yield from _of_struct(value, hint, path)


def _of_struct(value: dict[str, Any], kind: type[GoStruct], path: str) -> Iterator[tuple[str, str]]:
    known = _fields(kind)
    for key, item in value.items():
        lower = key.lower()
        if lower in known:
            yield from _of(item, known[lower][1], _joined(path, key))
        else:
            near = difflib.get_close_matches(lower[:LONGEST_NAME], known, 1, 0.75)
            yield _joined(path, key), known[near[0]][0] if near else ""


@cache
def _fields(kind: type[GoStruct]) -> dict[str, tuple[str, Any]]:
    """Return name and type of each field, by its name in lower case."""
    return {key.lower(): (key, hint) for _, key, hint, _, _ in Struct(kind).fields}


def _joined(path: str, key: str) -> str:
    shown = key if len(key) <= LONGEST_NAME else f"{key[:LONGEST_NAME]}…"
    return f"{path}.{shown}" if path else shown
