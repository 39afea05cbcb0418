"""The settings' model laid out flat: each setting by its path (`storage.host`), with its type, default and variable.

The reader of the file, the reader of the environment and the reference page all walk this one list.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from sluicegate.settings.env_names import PREFIX, env_word
from sluicegate.settings.model import Settings
from sluicegate.settings.section import ZERO_MEANS_DEFAULT, Section


@dataclass(frozen=True, slots=True)
class Leaf:
    """One setting.

    path:     names from the root on, joined by dots, as JSON has them.
    type:     as the model says it, `Annotated` included.
    default:  what counts when nothing is set.
    variable: its name in the environment.
    section:  the block it stands in.
    field:    its attribute there.
    """

    path: str
    type: Any
    default: Any
    variable: str
    section: type[Section]
    field: str

    @property
    def zero_means_default(self) -> bool:
        return has_mark(self.type, ZERO_MEANS_DEFAULT)


@dataclass(frozen=True, slots=True)
class Block:
    """One block of settings: its members by their JSON names.

    field:    its attribute in the block around it.
    variable: what its members' names in the environment begin with.
    """

    path: str
    section: type[Section]
    field: str
    variable: str
    members: dict[str, Leaf | Block]


@cache
def root() -> Block:
    """Return the whole model."""
    return _block(Settings, "", "", PREFIX)


@cache
def leaves() -> dict[str, Leaf]:
    """Return every setting by its path, in the model's order."""
    found: dict[str, Leaf] = {}
    _collect(root(), found)
    return found


@cache
def fields_of(section: type[Section]) -> dict[str, tuple[str, Any, Any]]:
    """Return the fields of a block: JSON name -> (attribute, type, default)."""
    types = get_type_hints(section, include_extras=True)
    return {
        field.encode_name: (field.name, types[field.name], _default_of(field))
        for field in msgspec.structs.fields(section)
    }


def has_mark(type_: Any, mark: str) -> bool:
    """Say whether a type carries one of the marks of `section`."""
    if get_origin(type_) is not Annotated:
        return False
    return any(isinstance(meta, msgspec.Meta) and mark in (meta.extra or {}) for meta in get_args(type_)[1:])


def is_section(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, Section)


def _block(section: type[Section], path: str, attribute: str, variable: str) -> Block:
    members: dict[str, Leaf | Block] = {}
    for name, (field, type_, default) in fields_of(section).items():
        below = f"{path}.{name}" if path else name
        name_below = f"{variable}_{env_word(section, name)}"
        if is_section(type_):
            members[name] = _block(type_, below, field, name_below)
        else:
            members[name] = Leaf(below, type_, default, name_below, section, field)
    return Block(path, section, attribute, variable, members)


def _collect(block: Block, found: dict[str, Leaf]) -> None:
    for member in block.members.values():
        if isinstance(member, Block):
            _collect(member, found)
        else:
            found[member.path] = member


def _default_of(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else None
