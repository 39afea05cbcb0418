"""The reference page of all settings, made from the model: `python -m sluicegate.settings.reference` prints it."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any, Literal, get_args, get_origin

import msgspec

from sluicegate.settings.convert import unwrap
from sluicegate.settings.honoured import ASKING_NOTHING, is_honoured
from sluicegate.settings.section import GO_DURATION, SECONDS, Section
from sluicegate.settings.shape import Block, Leaf, fields_of, has_mark, is_section, root
from sluicegate.settings.shared import SHARED

_HEAD = """# Settings

This page is generated from the code by `make docs`; change it there.

Settings come from a file in JSON, by default `tyk.conf` in the working directory or else `/etc/tyk/tyk.conf`, and from
the environment, which wins over the file. There need not be any file. `sluicegate check --conf FILE` says what is wrong
with one. Paths in settings are relative to the working directory.

* **Zero.** Where a default is followed by *(also for 0)*, a value of 0 or below, or an empty text, means that default.
* **The environment.** Each setting has a variable, named below. Lists are separated by commas, maps are written
  `name:value,name:value`, durations `10s` or `1m30s`; what is nested deeper is written as JSON. A variable that cannot
  be read keeps the gateway from starting. `TYK_GW_OMITCONFIGFILE=true` leaves out the file. `TYK_LOGLEVEL` and
  `TYK_LOGFORMAT` win over all else.
* **Short forms.** `TYK_REDIS_HOST`, `TYK_REDIS_PORT` and `TYK_REDIS_PASSWORD` stand for `storage.host`, `storage.port`
  and `storage.password`; `TYK_REDIS_URL` (`redis://user:password@host:port/database`, `rediss://` for TLS) says all at
  once. They give way to the variables of those. Who names a host so means that one server: `addrs` and `hosts` of the
  file do not count then, and where nothing says a `storage.type`, it is `redis`.
* **Secrets.** A password or secret may be a reference: `env://NAME` is the variable `TYK_SECRET_NAME`, `secrets://NAME`
  an entry of `secrets`, `file://PATH` a file below `kv.file.base_path`.
* **Shared.** A setting whose meaning ends with *(shared)* can be given to all nodes of a cluster at once, without a
  restart: see [Shared configuration](../shared-configuration.md#settings).
* **Not yet.** Settings of Tyk marked so are read, and warned about where they ask for something, but do nothing yet.
"""

_TABLE = "| Setting | Variable | Type | Default | Meaning |\n|---|---|---|---|---|"
_TYPES = {bool: "true or false", int: "whole number", float: "number", str: "text", Any: "anything"}


def render() -> str:
    """Return the page in Markdown."""
    return "\n".join([_HEAD, *_block(root(), {})])


def describe_type(type_: Any) -> str:
    """Say in words what a setting takes."""
    if has_mark(type_, GO_DURATION):
        return "nanoseconds"
    if has_mark(type_, SECONDS):
        return "seconds or a duration"
    base, _ = unwrap(type_)
    origin, arguments = get_origin(base), get_args(base)
    if origin is Literal:
        return " or ".join(f"`{json.dumps(option)}`" for option in arguments)
    if origin is list:
        return f"list of {describe_type(arguments[0])}"
    if origin is dict:
        return f"map to {describe_type(arguments[1])}"
    if is_section(base):
        return "{" + ", ".join(f"`{name}`" for name in fields_of(base)) + "}"
    return _TYPES[base]


def _block(block: Block, shown: dict[type[Section], str]) -> Iterator[str]:
    """Yield the lines of a block and of those inside; a kind of block that was shown is only pointed to."""
    title = block.path or "At the root"
    yield f"## {title}\n"
    twin = shown.setdefault(block.section, title)
    if twin != title:
        mark = "" if _any_honoured(block) else "*Not yet.* "
        yield f"{mark}As [{twin}](#{twin.replace('.', '')}); variables begin with `{block.variable}_`.\n"
        return
    yield f"{(block.section.__doc__ or '').partition(chr(10))[0]}\n"
    leaves = [member for member in block.members.values() if isinstance(member, Leaf)]
    if leaves:
        yield "\n".join([_TABLE, *map(_row, leaves)]) + "\n"
    for member in block.members.values():
        if isinstance(member, Block):
            yield from _block(member, shown)


def _any_honoured(block: Block) -> bool:
    members = block.members.values()
    return any(_any_honoured(one) if isinstance(one, Block) else is_honoured(one.path) for one in members)


def _row(leaf: Leaf) -> str:
    meaning = meanings(leaf.section).get(leaf.field, "")
    if not is_honoured(leaf.path) and leaf.path not in ASKING_NOTHING:
        meaning = f"*Not yet.* {meaning}"
    if leaf.path in SHARED:
        meaning = f"{meaning.strip()} *(shared)*"
    default = json.dumps(leaf.default) + ("` *(also for 0)*" if leaf.zero_means_default else "`")
    name = leaf.path.rpartition(".")[2]
    return f"| `{name}` | `{leaf.variable}` | {describe_type(leaf.type)} | `{default} | {meaning.strip()} |"


def meanings(section: type[Section]) -> dict[str, str]:
    """Return what the texts behind a block's attributes say, those of its bases included."""
    found: dict[str, str] = {}
    for kind in reversed(section.__mro__):
        if issubclass(kind, msgspec.Struct) and kind is not msgspec.Struct:
            found |= _texts(sys.modules[kind.__module__]).get(kind.__name__, {})
    return found


@cache
def _texts(module: ModuleType) -> dict[str, dict[str, str]]:
    """Return the texts behind attributes in a module, by class."""
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef):
            pairs = zip(node.body, node.body[1:], strict=False)
            found[node.name] = {
                target.id: " ".join(text.value.value.split())
                for statement, text in pairs
                if isinstance(statement, ast.AnnAssign) and isinstance(target := statement.target, ast.Name)
                if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
                if isinstance(text.value.value, str)
            }
    return found


if __name__ == "__main__":
    sys.stdout.write(render())
