"""The JSON schema of an OAS document, made of the structs that read its extension, so that the two can't differ."""

from __future__ import annotations

import collections.abc
import types
import typing
from functools import cache
from typing import Any

from sluicegate.admin.api_files import EXTENSION
from sluicegate.apidef.goreaders import Struct, unwrapped
from sluicegate.apidef.gotypes import Duration, GoStruct
from sluicegate.apidef.oas.gateway import XTykAPIGateway

Schema = dict[str, Any]

SCALARS: dict[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    Duration: {"type": "string", "description": 'A duration such as "500ms" or "1h30m".'},
    Any: {},
}


@cache
def document_schema(version: str) -> Schema:
    """Return the schema of documents of an OpenAPI version (`3.0`); nobody changes it."""
    definitions: dict[str, Schema] = {}
    extension = _schema_of(XTykAPIGateway, definitions)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "required": ["openapi", "info", "paths", EXTENSION],
        "properties": {
            "openapi": {"type": "string", "pattern": rf"^{version.replace('.', '[.]')}[.]\d+"},
            "info": {
                "type": "object",
                "required": ["title", "version"],
                "properties": {"title": {"type": "string"}, "version": {"type": "string"}},
            },
            "servers": {"type": "array", "items": {"type": "object", "required": ["url"]}},
            "paths": {"type": "object"},
            "components": {"type": "object"},
            EXTENSION: extension,
        },
        "definitions": dict(sorted(definitions.items())),
    }


def _schema_of(hint: Any, definitions: dict[str, Schema]) -> Schema:
    hint, _ = unwrapped(hint)
    if hint in SCALARS:
        return SCALARS[hint]
    if isinstance(hint, type) and issubclass(hint, GoStruct):
        return _reference(hint, definitions)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        return _schema_of(arguments[0], definitions)
    if origin in (collections.abc.Sequence, list):
        return {"type": ["array", "null"], "items": _schema_of(arguments[0], definitions)}
    if origin in (collections.abc.Mapping, dict):
        return {"type": ["object", "null"], "additionalProperties": _schema_of(arguments[1], definitions)}
    raise TypeError(f"no schema for {hint!r}")


def _reference(kind: type[GoStruct], definitions: dict[str, Schema]) -> Schema:
    """Describe a struct once, and return the reference to it; a struct may hold itself."""
    name = f"X-Tyk-{kind.__name__}"
    if name not in definitions:
        definitions[name] = {}
        properties = {key: _schema_of(hint, definitions) for _, key, hint, _, _ in Struct(kind).fields}
        definitions[name] = {"type": "object", "properties": properties}
    return {"$ref": f"#/definitions/{name}"}
