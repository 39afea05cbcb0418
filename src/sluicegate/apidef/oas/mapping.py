"""How fields of the extension and of a classic definition say the same, in both directions.

A `Section` pairs an object of the extension with one of the classic definition and names their fields side by side. The
tables of sections are `upstream_sections`, `server_sections` and `global_sections`; `extract` reads them from left to
right, `fill` from right to left. Both work on plain JSON trees; `version` in a classic path is the main version, which
has no name (contract 02.8, 02.9).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sluicegate.apidef.gotypes import Duration

Tree = dict[str, Any]


class Kind(NamedTuple):
    """How a value is written on either side. Both functions also take None: what is not said."""

    to_classic: Callable[[Any], Any]
    to_oas: Callable[[Any], Any]


class Section(NamedTuple):
    """An object of the extension and its place in a classic definition.

    fields:       each field of the object, with its classic name; a name beginning with "/" is counted from the root.
    only_if_said: the classic side is left alone when the extension does not have the section, and the other way round.
    """

    oas: str
    classic: str
    fields: Mapping[str, str | tuple[str, Kind]]
    only_if_said: bool = False


class Field(NamedTuple):
    """One field of a section, with whole paths."""

    oas: str
    classic: str
    kind: Kind


def fields_of(section: Section) -> Iterator[Field]:
    """Yield the fields of a section."""
    for name, said in section.fields.items():
        classic, kind = (said, SAME) if isinstance(said, str) else said
        if classic.startswith("/"):
            classic = classic[1:]
        elif section.classic:
            classic = f"{section.classic}.{classic}"
        yield Field(f"{section.oas}.{name}", classic, kind)


def get(tree: Any, path: str) -> Any:
    """Return what stands at a dotted path, or None."""
    for name in path.split("."):
        if not isinstance(tree, dict):
            return None
        tree = tree.get(name)
    return tree


def put(tree: Tree, path: str, value: Any) -> None:
    """Set what stands at a dotted path; objects on the way are made."""
    *way, last = path.split(".")
    for name in way:
        inner = tree.get(name)
        if not isinstance(inner, dict):
            inner = tree[name] = {}
        tree = inner
    tree[last] = value


def is_zero(value: Any) -> bool:
    """Return whether a value says nothing (Tyk's ShouldOmit)."""
    if isinstance(value, dict):
        return all(is_zero(inner) for inner in value.values())
    return value in (None, False, 0, "", "0s") or value == []


def pairs(key: str, value: str, *, empty: Any = None) -> Kind:
    """Return the kind of a list of objects with two fields that is a map on the classic side.

    empty: what an empty map is on the side of the extension.
    """
    return Kind(
        lambda listed: {one.get(key, ""): one.get(value) for one in listed or ()} or None,
        lambda mapped: [{key: name, value: mapped[name]} for name in sorted(mapped or ())] or empty,
    )


def renamed(names: Mapping[str, str]) -> Kind:
    """Return the kind of a list of objects whose fields have other names on the classic side."""
    back = {classic: oas for oas, classic in names.items()}
    return Kind(lambda listed: _rename_all(listed, names), lambda listed: _rename_all(listed, back))


def _rename_all(listed: Iterable[Tree] | None, names: Mapping[str, str]) -> list[Tree] | None:
    return [rename(one, names) for one in listed or ()] or None


def rename(one: Mapping[str, Any], names: Mapping[str, str]) -> Tree:
    """Return an object with its fields under other names; `!` before a name turns a flag round."""
    result: Tree = {}
    for name, value in one.items():
        other = names.get(name, names.get("!" + name, name))
        is_flag = other.startswith("!") or "!" + name in names
        result[other.lstrip("!")] = not value if is_flag else value
    return result


def _seconds(text: Any) -> float:
    return float(Duration.parse(text or ""))


def _pins_to_classic(listed: Any) -> Any:
    return {one.get("domain", ""): ",".join(one.get("publicKeys") or ()) for one in listed or ()} or None


def _pins_to_oas(mapped: Any) -> Any:
    return [
        {"domain": domain, "publicKeys": mapped[domain].replace(" ", "").split(",")} for domain in sorted(mapped or ())
    ] or None


_TLS_NUMBERS = {"1.0": 769, "1.1": 770, "1.2": 771, "1.3": 772}
_TLS_NAMES = {number: name for name, number in _TLS_NUMBERS.items()}

SAME = Kind(lambda value: value, lambda value: value)
NOT = Kind(lambda value: not value, lambda value: not value)
SECONDS = Kind(_seconds, lambda seconds: str(Duration(seconds or 0)))
WHOLE_SECONDS = Kind(lambda text: int(_seconds(text)), lambda seconds: str(Duration(seconds or 0)))
TLS_VERSION = Kind(lambda name: _TLS_NUMBERS.get(name, 0), lambda number: _TLS_NAMES.get(number, ""))
HEADERS = pairs("name", "value")
VERSIONS = pairs("name", "id", empty=[])
CERTIFICATES = pairs("domain", "certificate", empty=[])
PINS = Kind(_pins_to_classic, _pins_to_oas)
