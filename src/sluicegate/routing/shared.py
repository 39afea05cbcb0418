"""What the documents of the cluster say: definitions and policies, beside those that lie in this node's own folders.

The same id in both: the cluster's is served.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from sluicegate.apidef import gojson
from sluicegate.apidef.api import Api
from sluicegate.apidef.policy_document import Policy
from sluicegate.apidef.read import read_api
from sluicegate.cluster.document import API, Content, Envelope, Key, content_of
from sluicegate.errors import ConfigError
from sluicegate.routing.slices import give_way

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings

T = TypeVar("T")


@dataclass(slots=True)
class Meaning:
    """What changed documents say, None for those that are gone; `refused`: those that say nothing that can be used."""

    apis: dict[str, Api | None] = field(default_factory=dict)
    policies: dict[str, Policy | None] = field(default_factory=dict)
    refused: dict[Key, ConfigError] = field(default_factory=dict)


class SharedLayer:
    """The definitions and policies of the cluster that are in force in this worker, by id."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.apis: dict[str, Api] = {}
        self.policies: dict[str, Policy] = {}

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
        else:
            meaning.policies[key.id] = policy_of(content) if content is not None else None

    def keep(self, meaning: Meaning) -> None:
        """These are in force now, but for what was refused."""
        _update(self.apis, {one: api for one, api in meaning.apis.items() if Key(API, one) not in meaning.refused})
        _update(self.policies, meaning.policies)


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


def policy_of(content: Content) -> Policy:
    """Return the policy that a document is. Raises ConfigError."""
    policy = gojson.decode(content.classic, Policy, source_of(content.key))
    return policy if policy.id == content.id else replace(policy, id=content.id)


def source_of(key: Key) -> str:
    """Return how messages name a document of the cluster."""
    return f"cluster {key}"


def _update(kept: dict[str, T], changes: Mapping[str, T | None]) -> None:
    for one, value in changes.items():
        if value is None:
            kept.pop(one, None)
        else:
            kept[one] = value
