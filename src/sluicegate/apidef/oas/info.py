"""What an API is: `x-tyk-api-gateway.info` (contract 02.8)."""

from __future__ import annotations

from collections.abc import Sequence

from sluicegate.apidef.gotypes import GoStruct, Omit


class State(GoStruct, frozen=True):
    """At `info.state`."""

    active: bool = False  # active
    internal: Omit[bool] = False  # internal


class VersionToID(GoStruct, frozen=True):
    """At `info.versioning.versions[]`."""

    name: str = ""
    id: str = ""


class Versioning(GoStruct, frozen=True):
    """At `info.versioning`."""

    enabled: bool = False
    name: Omit[str] = ""
    default: str = ""
    location: str = ""
    key: Omit[str] = ""
    versions: Sequence[VersionToID] = ()
    stripVersioningData: Omit[bool] = False
    urlVersioningPattern: Omit[str] = ""
    fallbackToDefault: Omit[bool] = False


class Info(GoStruct, frozen=True):
    """At `info`."""

    id: Omit[str] = ""  # api_id
    dbId: Omit[str] = ""  # id
    orgId: Omit[str] = ""  # org_id
    name: str = ""  # name
    expiration: Omit[str] = ""  # expiration
    state: State = State()
    versioning: Omit[Versioning | None] = None
