"""What the documents of the cluster say: definitions, policies and settings, beside what this node's own files say.

The same id, or the same setting, in both: the cluster's is served.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from sluicegate.apidef import gojson
from sluicegate.apidef.api import Api
from sluicegate.apidef.policy_document import Policy
from sluicegate.apidef.read import read_api
from sluicegate.chain.error_overrides import Overrides
from sluicegate.cluster.document import API, POLICY, SETTINGS_KEY, Content, Envelope, Key, content_of
from sluicegate.errors import ConfigError
from sluicegate.routing.slices import give_way
from sluicegate.settings.shared import SharedSettings, laid_over, read_shared

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings

T = TypeVar("T")


@dataclass(slots=True)
class Meaning:
    """What changed documents say, None for those that are gone.

    settings: those that are shared from now on; None: they have not changed.
    refused:  documents that say nothing that can be used.
    """

    apis: dict[str, Api | None] = field(default_factory=dict)
    policies: dict[str, Policy | None] = field(default_factory=dict)
    settings: SharedSettings | None = None
    refused: dict[Key, ConfigError] = field(default_factory=dict)


class SharedLayer:
    """What of the cluster is in force in this worker: definitions and policies by id, and settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.apis: dict[str, Api] = {}
        self.policies: dict[str, Policy] = {}
        self.settings = SharedSettings()

    async def read(self, changed: Mapping[Key, Envelope | None]) -> Meaning:
        """Return what documents say."""
        meaning = Meaning()
        for key, envelope in changed.items():
            try:
                self._read(key, envelope, meaning)
            except ConfigError as error:
                meaning.refused[key] = error.kept()
            await give_way()
        return meaning

    def _read(self, key: Key, envelope: Envelope | None, meaning: Meaning) -> None:
        content = content_of(envelope.content, key) if envelope is not None else None
        if key.kind == API:
            meaning.apis[key.id] = api_of(content, self._settings) if content is not None else None
        elif key.kind == POLICY:
            meaning.policies[key.id] = policy_of(content) if content is not None else None
        else:
            meaning.settings = shared_settings_of(content) if content is not None else SharedSettings()

    def keep(self, meaning: Meaning) -> None:
        """These are in force now, but for what was refused."""
        _update(self.apis, {one: api for one, api in meaning.apis.items() if Key(API, one) not in meaning.refused})
        _update(self.policies, meaning.policies)
        if meaning.settings is not None and SETTINGS_KEY not in meaning.refused:
            self.settings = meaning.settings


@dataclass(frozen=True, slots=True)
class Upcoming(Container[str]):
    """The ids of the shared definitions as they will be with some changes, None for what goes."""

    kept: Container[str]
    changed: Mapping[str, Api | None]

    def __contains__(self, api_id: object) -> bool:
        if api_id in self.changed:
            return self.changed[str(api_id)] is not None
        return api_id in self.kept


def api_of(content: Content, settings: Settings) -> Api:
    """Return the API that a document defines. Raises ConfigError."""
    source = source_of(content.key)
    api = read_api(content.classic, content.oas, source, settings.secrets, file_base=settings.kv.file.base_path)
    if api.api_id != content.id:
        raise ConfigError(source, f'the document defines the API "{api.api_id}"')
    return api


def apis_of(contents: Iterable[Content | None], settings: Settings) -> list[Api]:
    """Return the APIs that documents define; those that cannot be read are left out."""
    found = []
    for content in contents:
        if content is not None and content.kind == API:
            with suppress(ConfigError):
                found.append(api_of(content, settings))
    return found


def policy_of(content: Content) -> Policy:
    """Return the policy that a document is. Raises ConfigError."""
    policy = gojson.decode(content.classic, Policy, source_of(content.key))
    return policy if policy.id == content.id else replace(policy, id=content.id)


def shared_settings_of(content: Content) -> SharedSettings:
    """Return what a document shares of settings. Raises ConfigError."""
    return read_shared(content.classic, source_of(content.key))


def settings_with(own: Settings, shared: SharedSettings) -> Settings:
    """Return what a node serves by. Raises ConfigError when what is shared does not fit its own, or is none."""
    try:
        settings = laid_over(own, shared)
        Overrides.of_settings(settings.error_overrides)
    except ConfigError as error:
        raise ConfigError(f"{source_of(SETTINGS_KEY)}: {error.where}", error.what, error.hint) from None
    return settings


def source_of(key: Key) -> str:
    """Return how messages name a document of the cluster."""
    return f"cluster {key}"


def _update(kept: dict[str, T], changes: Mapping[str, T | None]) -> None:
    for one, value in changes.items():
        if value is None:
            kept.pop(one, None)
        else:
            kept[one] = value
