"""What is wrong with an OpenAPI document, in the words of Tyk's JSON schema (contract 02.8, 04.5).

The schema of the extension is not written down a second time: it is the structs that mirror it. Unknown members pass.
"""

from __future__ import annotations

import collections.abc
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from sluicegate.apidef.goreaders import Struct, unwrapped
from sluicegate.apidef.gotypes import Duration, GoStruct
from sluicegate.apidef.oas.document import EXTENSION
from sluicegate.apidef.oas.gateway import XTykAPIGateway
from sluicegate.apidef.oas.info import Info
from sluicegate.apidef.oas.operations import METHODS
from sluicegate.apidef.oas.server import ListenPath, Server

Checker = Callable[[str, Any], Iterator[str]]

REQUIRED: dict[type[GoStruct], tuple[str, ...]] = {
    XTykAPIGateway: ("info", "upstream", "server"),
    Info: ("name", "state"),
    Server: ("listenPath",),
    ListenPath: ("value",),
}
VERSIONS = ("3.0", "3.1")
DEFAULT_VERSION = "3.0"


def check_document(document: Mapping[str, Any]) -> list[str]:
    """Return everything that is wrong with a document, a text each; an empty list when it is in order."""
    version = _version_of(document.get("openapi"))
    if version not in VERSIONS:
        return [f'Schema not found for version "{version}"']
    problems = [*_openapi(document, version), *_paths(document, version)]
    if EXTENSION in document:
        problems += _checker_of(XTykAPIGateway)(EXTENSION, document[EXTENSION])
    return problems or list(_empty_texts(document))


def _version_of(openapi: Any) -> str:
    if not isinstance(openapi, str) or not openapi:
        return DEFAULT_VERSION
    return ".".join(openapi.split(".")[:2])


def _openapi(document: Mapping[str, Any], version: str) -> Iterator[str]:
    yield from _missing("(root)", document, ("openapi", "info"))
    pattern = rf"^{version.replace('.', chr(92) + '.')}\.\d(-.+)?$"
    if "openapi" in document:
        openapi = document["openapi"]
        if not isinstance(openapi, str):
            yield _wrong("openapi", "string", openapi)
        elif not re.search(pattern, openapi):
            yield f"openapi: Does not match pattern '{pattern}'"
    info = document.get("info", {})
    if not isinstance(info, dict):
        yield _wrong("info", "object", info)
    elif "info" in document:
        yield from _missing("info", info, ("title", "version"))
        for name in ("title", "version"):
            if name in info and not isinstance(info[name], str):
                yield _wrong(f"info.{name}", "string", info[name])
    if not isinstance(document.get("components", {}), dict):
        yield _wrong("components", "object", document["components"])
    if not isinstance(document.get("servers", []), list):
        yield _wrong("servers", "array", document["servers"])


def _paths(document: Mapping[str, Any], version: str) -> Iterator[str]:
    if "paths" not in document:
        if version == DEFAULT_VERSION:
            yield "(root): paths is required"
        return
    paths = document["paths"]
    if not isinstance(paths, dict):
        yield _wrong("paths", "object", paths)
        return
    for path, item in paths.items():
        if not path.startswith(("/", "x-")):
            yield f"paths: Additional property {path} is not allowed"
        elif not isinstance(item, dict):
            yield _wrong(f"paths.{path}", "object", item)
        else:
            for method in METHODS:
                if method in item:
                    yield from _operation(f"paths.{path}.{method}", item[method], version)


def _operation(place: str, operation: Any, version: str) -> Iterator[str]:
    if not isinstance(operation, dict):
        yield _wrong(place, "object", operation)
        return
    if version == DEFAULT_VERSION:
        yield from _missing(place, operation, ("responses",))
    for name, kind, python in (("responses", "object", dict), ("operationId", "string", str)):
        if name in operation and not isinstance(operation[name], python):
            yield _wrong(f"{place}.{name}", kind, operation[name])


def _empty_texts(document: Mapping[str, Any]) -> Iterator[str]:
    for name in ("title", "version"):
        if not document["info"][name]:
            yield f"invalid info: value of {name} must be a non-empty string"


def _missing(place: str, value: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if name not in value:
            yield f"{place}: {name} is required"


def _wrong(place: str, expected: str, value: Any) -> str:
    return f"{place}: Invalid type. Expected: {expected}, given: {_json_name(value)}"


def _json_name(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


@cache
def _checker_of(hint: Any) -> Checker:
    """Return the checker of an annotation."""
    hint, _ = unwrapped(hint)
    if hint in _SCALARS:
        return _scalar_checker(*_SCALARS[hint])
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        inner = _checker_of(arguments[0])
        return lambda place, value: iter(()) if value is None else inner(place, value)
    if origin is collections.abc.Sequence:
        return _list_checker(_checker_of(arguments[0]))
    if origin is collections.abc.Mapping:
        return _map_checker(_checker_of(arguments[1]))
    if isinstance(hint, type) and issubclass(hint, GoStruct):
        return _struct_checker(hint)
    return lambda place, value: iter(())


_SCALARS: dict[Any, tuple[str, tuple[str, ...]]] = {
    str: ("string", ("string",)),
    Duration: ("string", ("string",)),
    bool: ("boolean", ("boolean",)),
    int: ("integer", ("integer",)),
    float: ("number", ("integer", "number")),
}


def _scalar_checker(expected: str, accepted: tuple[str, ...]) -> Checker:
    def check(place: str, value: Any) -> Iterator[str]:
        if _json_name(value) not in accepted:
            yield _wrong(place, expected, value)

    return check


def _list_checker(inner: Checker) -> Checker:
    def check(place: str, value: Any) -> Iterator[str]:
        if isinstance(value, list):
            for at, item in enumerate(value):
                yield from inner(f"{place}.{at}", item)
        elif value is not None:
            yield _wrong(place, "array", value)

    return check


def _map_checker(inner: Checker) -> Checker:
    def check(place: str, value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, item in value.items():
                yield from inner(f"{place}.{key}", item)
        elif value is not None:
            yield _wrong(place, "object", value)

    return check


def _struct_checker(kind: type[GoStruct]) -> Checker:
    fields = [(key, _checker_of(hint)) for _, key, hint, _, _ in Struct(kind).fields]

    def check(place: str, value: Any) -> Iterator[str]:
        if not isinstance(value, dict):
            yield _wrong(place, "object", value)
            return
        yield from _missing(place, value, REQUIRED.get(kind, ()))
        for key, inner in fields:
            if key in value:
                yield from inner(f"{place}.{key}", value[key])
        if kind is ListenPath and isinstance(value.get("value"), str) and not re.search(r"\S+", value["value"]):
            yield f"{place}.value: Does not match pattern '\\S+'"

    return check
