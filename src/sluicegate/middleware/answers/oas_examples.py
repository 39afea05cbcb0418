"""Example answers out of an OpenAPI document: what a mock response says (contract 09.7).

Pure: all examples of an operation are written out at load time, so that a request only chooses one. Where the document
has no example, one is made from the schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sluicegate.apidef.gojson import encode
from sluicegate.chain.header_lines import header_lines
from sluicegate.chain.outcome import HeaderLines

DEEPEST_LEVEL = 16
MOST_VALUES = 10_000
"""Schemas may refer to themselves, many times over: beyond this level or number nothing more is made up."""

Node = Mapping[str, Any]
EMPTY: Node = {}

FINAL_STATUS = re.compile(r"[2-9][0-9]{2}")

PLAINEST: dict[str, Any] = {"string": "string", "integer": 0, "number": 0, "boolean": True}


@dataclass(frozen=True, slots=True)
class Example:
    """One example, ready to be sent."""

    headers: HeaderLines
    body: bytes


@dataclass(frozen=True, slots=True)
class MediaExamples:
    """What the document says of one media type of one response.

    usual: when nobody asks for a name. by_name: named ones; None where a name makes no difference.
    """

    usual: Example
    by_name: dict[str, Example] | None


class Samples:
    """Makes up values that schemas allow: their example, their first enum, or the plainest value of their type."""

    __slots__ = ("_document", "_left")

    def __init__(self, document: Node) -> None:
        self._document, self._left = document, MOST_VALUES

    def of(self, schema: Any, level: int = 0) -> Any:
        """Return a value that a schema allows; None where it says nothing."""
        self._left -= 1
        if level > DEEPEST_LEVEL or self._left < 0:
            return None
        known = resolved(self._document, schema)
        if known.get("example") is not None:
            return known["example"]
        kind = known.get("type")
        if kind == "object":
            return {name: self.of(one, level + 1) for name, one in node(known.get("properties")).items()}
        if kind == "array":
            return [self.of(known.get("items"), level + 1)]
        choices = known.get("enum")
        if isinstance(choices, list) and choices:
            return choices[0]
        return PLAINEST.get(kind) if isinstance(kind, str) else None


class OperationExamples:
    """All examples of an operation, by status code and media type."""

    __slots__ = ("_responses",)

    def __init__(self, document: Node, operation: Node) -> None:
        samples = Samples(document)
        self._responses = {
            str(code): _media_types(document, resolved(document, response), samples)
            for code, response in node(operation.get("responses")).items()
            if FINAL_STATUS.fullmatch(str(code))
        }

    def choose(self, code: int, content_type: str, name: str) -> Example | str:
        """Return an example, or in words why there is none."""
        media_types = self._responses.get(str(code))
        if media_types is None:
            return f"there is no example response for the code: {code}"
        media = _media_type(media_types, content_type)
        if media is None:
            return f"there is no example response for the content type: {content_type}"
        if not name or media.by_name is None:
            return media.usual
        return media.by_name.get(name) or f"there is no example response for the example name: {name}"


def node(value: Any) -> Node:
    """Return an object of a document, or an empty one where it holds something else."""
    return value if isinstance(value, dict) else EMPTY


def resolved(document: Node, value: Any) -> Node:
    """Return what an object or a `$ref` within the document stands for; an empty object where that leads nowhere."""
    found = node(value)
    for _ in range(DEEPEST_LEVEL):
        reference = found.get("$ref")
        if not isinstance(reference, str):
            return found
        at: Any = document if reference.startswith("#/") else EMPTY
        for part in reference[2:].split("/"):
            at = node(at).get(part.replace("~1", "/").replace("~0", "~"))
        found = node(at)
    return EMPTY


def _media_types(document: Node, response: Node, samples: Samples) -> dict[str, MediaExamples]:
    headers = header_lines(
        (name, printed(samples.of(resolved(document, header).get("schema"))))
        for name, header in sorted(node(response.get("headers")).items())
    )
    return {
        media_type: _media_examples(document, node(media), headers, samples)
        for media_type, media in node(response.get("content")).items()
    }


def _media_examples(document: Node, media: Node, headers: HeaderLines, samples: Samples) -> MediaExamples:
    made_up = samples.of(media.get("schema"))
    own = media.get("example")
    if own is not None:
        return MediaExamples(Example(headers, _json(own)), None)
    named = {
        name: resolved(document, example).get("value") for name, example in sorted(node(media.get("examples")).items())
    }
    if not named:
        return MediaExamples(Example(headers, _json(made_up)), None)
    written = {name: Example(headers, _json(made_up if value is None else value)) for name, value in named.items()}
    return MediaExamples(next(iter(written.values())), written)


def _media_type(media_types: Mapping[str, MediaExamples], asked: str) -> MediaExamples | None:
    """Return the best match: the type as asked for, without its parameters, then with wildcards."""
    plain = asked.partition(";")[0]
    for candidate in (asked, plain, plain.partition("/")[0] + "/*", "*/*"):
        found = media_types.get(candidate)
        if found is not None:
            return found
    return None


def printed(value: Any) -> str:
    """Return a value as Go prints it (`%v`)."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{printed(one)}" for key, one in sorted(value.items())) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(printed, value)) + "]"
    return str(value)


def _json(value: Any) -> bytes:
    return encode(_sorted(value))


def _sorted(value: Any) -> Any:
    """Return a value as Go would have it: keys sorted, whole numbers without a fraction."""
    if isinstance(value, dict):
        return {key: _sorted(one) for key, one in sorted(value.items())}
    if isinstance(value, list):
        return [_sorted(one) for one in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    return value
