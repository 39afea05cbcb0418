"""`/config` and `/env`: the settings this node runs with, secrets blanked (contract 01, `enable_config_inspection`).

What counts as a secret is decided by name, so that a setting added later is covered without anybody thinking of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.envelope import answer
from sluicegate.admin.node import Node
from sluicegate.admin.query import query_of
from sluicegate.apidef import gojson
from sluicegate.apidef.gotypes import GoStruct
from sluicegate.settings.env_names import PREFIX, env_word
from sluicegate.settings.section import Section

REDACTED = "*REDACTED*"
SECRET_NAME = re.compile(
    r"(^|_)(secrets?|password|token|api_key|rpc_key|license_key|connection_string|sentry_code|header_map)$|^headers$"
)


class Setting(GoStruct, frozen=True):
    """One setting: its path in the file, its name in the environment, its value as text."""

    config_field: str
    env: str
    value: str
    obfuscated: bool


class NotFound(GoStruct, frozen=True):
    """Nothing has this name."""

    error: str


async def show_config(node: Node, request: Request) -> Response:
    """Answer the whole document, or the one setting that `field` names."""
    field = query_of(request).get("field", "")
    if not field:
        return answer(_document(node.settings))
    found = next((one for one in _leaves(node.settings) if one.config_field == field), None)
    return answer(found) if found is not None else answer(NotFound("field not found"), 404)


async def show_env(node: Node, request: Request) -> Response:
    """Answer all settings as `NAME=value`, or the one that `env` names."""
    name = query_of(request).get("env", "")
    if not name:
        return answer([f"{one.env}={one.value}" for one in _leaves(node.settings)])
    found = next((one for one in _leaves(node.settings) if name in (one.env, _of_field(one.config_field))), None)
    return answer(found) if found is not None else answer(NotFound("environment variable not found"), 404)


def _document(section: Section) -> dict[str, Any]:
    return {key: _shown(key, value) for key, value, _ in _members(section)}


def _shown(key: str, value: Any) -> Any:
    """Return a value as it may be seen, with all that lies in it."""
    if isinstance(value, Section):
        return _document(value)
    if SECRET_NAME.search(key) and not isinstance(value, bool | int | float):
        return dict.fromkeys(value, REDACTED) if isinstance(value, dict) else REDACTED
    if isinstance(value, dict):
        return {name: _shown(str(name), item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shown(key, item) for item in value]
    return value


def _leaves(section: Section, path: str = "", env: str = PREFIX) -> Iterator[Setting]:
    for key, value, word in _members(section):
        name, variable = f"{path}{key}", f"{env}_{word}"
        if isinstance(value, Section):
            yield from _leaves(value, f"{name}.", variable)
        else:
            shown = _shown(key, value)
            yield Setting(name, variable, _text(shown), shown != msgspec.to_builtins(value))


def _of_field(path: str) -> str:
    """Return what Tyk calls the variable of a field here, though some of these do nothing (contract 01.2)."""
    return "_".join([PREFIX, *(part.replace("_", "").upper() for part in path.split("."))])


def _text(value: Any) -> str:
    """Return a value as Go prints it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(map(_text, value))}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{name}:{_text(item)}' for name, item in sorted(value.items()))}]"
    return gojson.encode(value).decode()


def _members(section: Section) -> Iterator[tuple[str, Any, str]]:
    """Yield key in the file, value and word in the environment of each setting."""
    for field in msgspec.structs.fields(type(section)):
        yield field.encode_name, getattr(section, field.name), env_word(type(section), field.name)
