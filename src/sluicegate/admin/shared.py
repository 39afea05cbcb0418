"""Writes to what the cluster shares, and the conditions that a caller may set (RFC 9110 section 13).

A document's ETag is the generation that wrote it. `If-Match` with it makes sure that nobody else has written meanwhile
(412 if so), `If-None-Match: *` that nothing is there; without either the last writer wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from sluicegate.admin.envelope import Refused
from sluicegate.admin.json_body import object_of
from sluicegate.admin.node import ChangesRefused, ReloadError
from sluicegate.admin.versions import in_document
from sluicegate.apidef import gojson
from sluicegate.apidef.classic import APIDefinition
from sluicegate.apidef.oas.document import EXTENSION
from sluicegate.apidef.policy_document import Policy
from sluicegate.cluster.document import API, POLICY, SETTINGS_KEY, Content, Key
from sluicegate.cluster.documents import Change
from sluicegate.cluster.errors import Conflict, Emptied, LockBusy, LockLost, Unclear
from sluicegate.errors import ConfigError

if TYPE_CHECKING:
    from starlette.requests import Request

    from sluicegate.admin.node import More, Node
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionDefinition

NO_CLUSTER = "This node is in no cluster: cluster.enabled is not set"
TRY_AGAIN = "Others are changing the configuration, try again later"
UNCLEAR = "The store did not answer: the change may have been written, look before you try again"


def refuse_without_cluster(node: Node) -> None:
    """Raise Refused where nothing is shared."""
    if not node.shares:
        raise Refused(400, NO_CLUSTER)


def etag(node: Node, key: Key) -> dict[str, str]:
    """Return the header with the generation of a shared document; {} for one that is not shared."""
    generation = node.shared_generation(key)
    return {"ETag": f'"{generation}"'} if generation else {}


async def share(
    node: Node, request: Request, changes: Sequence[Change], more: More | None = None, about: Key | None = None
) -> dict[str, str]:
    """Write to the cluster, on the conditions of a call; return headers for the answer. Raises Refused.

    about: the document that the call is about; without it that of the first change.
    """
    about = about or changes[0].key
    expected = _expected(node, request, about)

    def on_conditions(changes: Sequence[Change]) -> list[Change]:
        return [Change(one.key, one.content, expected) if one.key == about else one for one in changes]

    async def more_on_conditions() -> list[Change]:
        assert more is not None
        return on_conditions(await more())

    generation = await write(node, request, on_conditions(changes), more=more_on_conditions if more else None)
    if any(one.key == about and one.content is None for one in changes):
        return {}
    # A document that was so already keeps the older generation; that of somebody who has written since is not told.
    return {"ETag": f'"{min(generation, node.shared_generation(about) or generation)}"'}


async def write(
    node: Node,
    request: Request,
    changes: Sequence[Change],
    note: str = "",
    expected: int | None = None,
    more: More | None = None,
) -> int:
    """Write to the cluster, and return the generation. Raises Refused, StoreError."""
    with refusing(node, "settings" if changes and changes[0].key == SETTINGS_KEY else "API Definition"):
        return await node.share(changes, author_of(request), note, expected, more)


def author_of(request: Request) -> str:
    """Return who writes, for the history."""
    return f"gateway API, from {request.client.host if request.client is not None else 'unknown'}"


@contextmanager
def refusing(node: Node, what: str = "API Definition") -> Iterator[None]:
    """Turn what a write to the cluster raises into Refused; what: that may be wrong."""
    try:
        yield
    except ChangesRefused as refused:
        problems = "; ".join(str(error) for error in refused.errors)
        raise Refused(400, f"Validation of {what} failed. Reason: {problems}.") from None
    except Emptied as error:
        raise Refused(409, str(error)) from None
    except ConfigError as error:
        raise Refused(400, str(error)) from None
    except Conflict as conflict:
        raise Refused(412 if conflict.key is not None else 409, f"Not changed: {conflict}") from None
    except (LockBusy, LockLost):
        raise Refused(503, TRY_AGAIN) from None
    except Unclear as unclear:
        node.services.log("error", str(unclear), prefix="api")
        raise Refused(503, UNCLEAR) from None
    except ReloadError as error:
        raise Refused(500, error.what) from None


def _expected(node: Node, request: Request, key: Key) -> int | None:
    """Return the generation that a caller wants a document to have. Raises Refused 412."""
    if request.headers.get("if-none-match", "").strip() == "*":
        return 0
    wanted = request.headers.get("if-match")
    if wanted is None:
        return None
    found = node.shared_generation(key)
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in wanted.split(",")]
    if not found or not (str(found) in tags or tags == ["*"]):
        raise Refused(412, f"Not changed: {Conflict(key, _number(tags[0]), found)}")
    return found


def _number(tag: str) -> int:
    return int(tag) if tag.isascii() and tag.isdigit() else 0


def api_content(definition: APIDefinition, document: dict[str, Any] | None) -> Content:
    """Return a definition as the cluster keeps it."""
    oas = gojson.encode(document) if document is not None else None
    return Content(API, definition.api_id, gojson.encode(definition), oas)


def policy_content(policy: Policy) -> Content:
    """Return a policy as the cluster keeps it."""
    return Content(POLICY, policy.id, gojson.encode(policy))


def settings_content(document: bytes) -> Content:
    """Return settings as the cluster keeps them."""
    return Content(*SETTINGS_KEY, gojson.condensed(document))


async def with_versions(node: Node, base: Api, versions: VersionDefinition) -> Content:
    """Return a base with other versions, and nothing else changed. Raises Refused, StoreError."""
    try:
        key = Key(API, base.api_id)
        content = (await node.documents.contents([key])).get(key)
        if content is None:  # of this node's files: from now on it is the cluster's
            return api_content(replace(base.classic, definition=versions), _with_versions(base.oas, versions))
        definition = gojson.decode(content.classic, APIDefinition)
        document = object_of(content.oas, "") if content.oas is not None else None
    except ConfigError as error:
        raise Refused(500, str(error)) from None
    definition = replace(definition, api_id=base.api_id, definition=versions)
    return api_content(definition, _with_versions(document, versions))


def _with_versions(document: dict[str, Any] | None, versions: VersionDefinition) -> dict[str, Any] | None:
    if document is None:
        return None
    extension = document.get(EXTENSION) or {}
    info = extension.get("info") or {}
    info = {**info, "versioning": {**(info.get("versioning") or {}), **in_document(versions)}}
    return {**document, EXTENSION: {**extension, "info": info}}
