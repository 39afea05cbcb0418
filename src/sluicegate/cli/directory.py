"""A directory of documents: what `apply` and `diff` read, and `dump` writes.

    apis/          definitions as in `app_path`: `X.json`, and `X-oas.json` beside it for an OpenAPI document
    policies/      one policy a file
    settings.json  the settings that are shared; `{}`: none

A directory with neither folder is taken for one of definitions, unless `settings.json` is all that it has. Texts are
kept as they are written, references to secrets included, but for blanks: so what was dumped and not changed is not
written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sluicegate.admin.api_files import can_name_a_file
from sluicegate.admin.folder import is_too_long
from sluicegate.apidef.classic import APIDefinition
from sluicegate.apidef.file import bytes_of
from sluicegate.apidef.folder import COMPANIONS
from sluicegate.apidef.gojson import condensed, decode, indented
from sluicegate.apidef.policy_document import Policy
from sluicegate.apidef.read import read_api
from sluicegate.cluster.document import API, POLICY, SETTINGS, SETTINGS_KEY, Content, Key
from sluicegate.errors import ConfigError
from sluicegate.settings.shared import EMPTY_DOCUMENT, examine_shared

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings

FOLDERS = {API: "apis", POLICY: "policies"}
SETTINGS_FILE = "settings.json"


@dataclass(slots=True)
class Directory:
    """What is in a directory. kinds: those that it has a place for."""

    contents: dict[Key, Content] = field(default_factory=dict)
    errors: list[ConfigError] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)


def read_directory(path: Path, settings: Settings) -> Directory:
    """Return what is in a directory. Raises ConfigError when there is no such."""
    if not path.is_dir():
        raise ConfigError(str(path), "there is no such directory")
    found = Directory()
    settings_file = path / SETTINGS_FILE
    if settings_file.is_file():
        found.kinds.add(SETTINGS)
        _read_settings(settings_file, found)
    folders = {kind: path / name for kind, name in FOLDERS.items() if (path / name).is_dir()}
    if not folders and not (found.kinds and list(path.glob("*.json")) == [settings_file]):
        folders = {API: path}
    found.kinds |= folders.keys()
    for kind, folder in folders.items():
        for file in sorted(folder.glob("*.json")):
            if file == settings_file or (kind == API and file.name.endswith(COMPANIONS)):
                continue
            try:
                content = _api(file, settings) if kind == API else _policy(file)
                _check_id(content.key, str(file))
                if content.key in found.contents:
                    raise ConfigError(str(file), f"{content.key} is in another file too")
                found.contents[content.key] = content
            except ConfigError as error:
                found.errors.append(error.kept())
    return found


def write_directory(path: Path, contents: Mapping[Key, Content]) -> int:
    """Write documents, each to its files; files of other documents in these folders go. Returns how many were written.

    Raises OSError, ConfigError.
    """
    for kind, name in FOLDERS.items():
        folder = path / name
        folder.mkdir(parents=True, exist_ok=True)
        files = dict(_files(content for key, content in contents.items() if key.kind == kind))
        for old in folder.glob("*.json"):
            if old.name not in files:
                old.unlink()
        for file, text in files.items():
            (folder / file).write_bytes(text)
    shared = contents.get(SETTINGS_KEY)
    (path / SETTINGS_FILE).write_bytes(indented(shared.classic if shared is not None else EMPTY_DOCUMENT) + b"\n")
    return len(contents)


def _files(contents: Iterable[Content]) -> Iterator[tuple[str, bytes]]:
    for content in contents:
        _check_id(content.key, str(content.key))
        yield f"{content.id}.json", indented(content.classic) + b"\n"
        if content.oas is not None:
            kind = decode(content.classic, APIDefinition).application_protocol == "mcp"
            yield f"{content.id}{COMPANIONS[kind]}", indented(content.oas) + b"\n"


def _check_id(key: Key, where: str) -> None:
    """Refuse what could not be dumped and read again, or not be reached over the gateway API. Raises ConfigError."""
    is_safe = can_name_a_file(key.id) if key.kind == API else not (is_too_long(key.id) or {"/", "\0"} & set(key.id))
    if not is_safe:
        raise ConfigError(where, f"the id {key.id!r} cannot name a file", "give it another one")


def _read_settings(file: Path, found: Directory) -> None:
    """Add the settings of a file, or all that is wrong with them, by line."""
    try:
        text = _text(file)
        if text == EMPTY_DOCUMENT:
            return
        _, problems = examine_shared(bytes_of(file, str(file)), str(file))
    except ConfigError as error:
        problems = [error.kept()]
    found.errors += problems
    if not problems:
        found.contents[SETTINGS_KEY] = Content(*SETTINGS_KEY, text)


def _api(file: Path, settings: Settings) -> Content:
    oas: list[bytes] = []

    def companion(definition: APIDefinition) -> bytes:
        ending = COMPANIONS[definition.application_protocol == "mcp"]
        oas.append(_text(file.with_name(file.stem + ending)))
        return oas[0]

    text = _text(file)
    api = read_api(text, companion, str(file), settings.secrets, file_base=settings.kv.file.base_path)
    if not api.api_id:
        raise ConfigError(f"{file}: api_id", "the definition has none", "give each definition an api_id of its own")
    return Content(API, api.api_id, text, oas[0] if oas else None)


def _policy(file: Path) -> Content:
    text = _text(file)
    policy = decode(text, Policy, str(file))
    return Content(POLICY, policy.id or policy.mid or file.stem, text)


def _text(file: Path) -> bytes:
    return condensed(bytes_of(file, str(file)))
