"""Which OAS operation a request is mocked as (contract 06.2).

Operations are tried in an order of their own: more slashes first, then longer, then by the alphabet. Where paths have
parameters, operations on paths without any stand in as shields, so that `/users/me` is never mocked as `/users/{id}`.
Paths that differ only in the names of their parameters (`/users/{id}`, `/users/{name}`) are one entry of several
candidates: the first whose parameters fit their schemas is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sluicegate.apidef.pattern import Pattern, compile_pattern, path_pattern, path_regexp
from sluicegate.middleware.answers.oas_examples import Node, node, resolved

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
PARAMETER = re.compile(r"\{([^}]*)\}")
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document.

    mock: what the extension says of it: its `mockResponse`, empty when it has none that is enabled.
    """

    path: str
    method: str
    node: Node
    path_node: Node
    mock: Node

    @property
    def has_parameters(self) -> bool:
        """Whether the path has any."""
        return "{" in self.path


def operations_to_try(document: Node) -> list[list[Operation]]:
    """Return the operations in the order they are tried, those of one pattern together; shields have no mock."""
    known = [one for one in _operations(document) if one.mock]
    if any(one.has_parameters for one in known):
        known += [one for one in _operations(document) if not one.mock and not one.has_parameters]
    known.sort(key=lambda one: (-one.path.count("/"), -len(PARAMETER.sub("", one.path)), one.path))
    grouped: dict[tuple[str, str], list[Operation]] = {}
    for one in known:
        grouped.setdefault((one.method, path_regexp(one.path)), []).append(one)
    return list(grouped.values())


class PathFit:
    """Whether the parameters of a path fit what an operation says of them. Raises ConfigError for a bad pattern."""

    __slots__ = ("_names", "_pattern", "_schemas")

    def __init__(self, document: Node, operation: Operation) -> None:
        self._pattern = path_pattern(operation.path)
        self._names = PARAMETER.findall(operation.path)
        self._schemas: dict[str, tuple[Node, Pattern | None]] = {}
        for holder in (operation.path_node, operation.node):
            for parameter in holder.get("parameters") or ():
                known = resolved(document, parameter)
                if known.get("in") == "path":
                    schema = resolved(document, known.get("schema"))
                    text = schema.get("pattern")
                    pattern = compile_pattern(text) if isinstance(text, str) else None
                    self._schemas[str(known.get("name"))] = (schema, pattern)

    def accepts(self, path: str) -> bool:
        """Return whether a path, without the listen path, is one that the operation is meant for."""
        groups = self._pattern.search(path)
        if groups is None:
            return False
        return all(
            _fits(value, *self._schemas[name])
            for name, value in zip(self._names, groups[1:], strict=False)
            if name in self._schemas
        )


def _operations(document: Node) -> Iterator[Operation]:
    extension = node(document.get("x-tyk-api-gateway"))
    settings = node(node(extension.get("middleware")).get("operations"))
    for path, item in node(document.get("paths")).items():
        path_node = resolved(document, item)
        for method in METHODS:
            operation = path_node.get(method)
            if isinstance(operation, dict):
                mock = node(node(settings.get(str(operation.get("operationId")))).get("mockResponse"))
                yield Operation(path, method.upper(), operation, path_node, mock if mock.get("enabled") else {})


def _fits(text: str, schema: Node, pattern: Pattern | None) -> bool:
    value = _value_of(text, schema.get("type"))
    if value is None or (pattern is not None and not pattern.found(text)):
        return False
    choices = schema.get("enum")
    if isinstance(choices, list) and value not in choices:
        return False
    return _is_within(value, schema)


def _value_of(text: str, kind: Any) -> str | int | float | bool | None:
    if kind == "integer":
        return int(text) if WHOLE_NUMBER.fullmatch(text) else None
    if kind == "number":
        try:
            return float(text)
        except ValueError:
            return None
    if kind == "boolean":
        return {"true": True, "false": False}.get(text)
    return text


def _is_within(value: str | int | float | bool, schema: Mapping[str, Any]) -> bool:
    size, bounds = (
        (len(value), ("minLength", "maxLength")) if isinstance(value, str) else (value, ("minimum", "maximum"))
    )
    least, most = (schema.get(name) for name in bounds)
    return (not isinstance(least, int | float) or size >= least) and (not isinstance(most, int | float) or size <= most)
