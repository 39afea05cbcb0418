"""`/tyk/cluster/apply`: several documents of the cluster in one step, all or nothing.

    {"changes": [{"kind": "api", "id": "orders", "action": "put", "document": {…}}, …], "generation": 12, "note": "…"}

A document is a classic definition, an OpenAPI document with the extension, a policy, or the settings that are shared
(`settings`, which need no id). `generation` is optional: the
one that the cluster must be at, else 409. The answer has the new one, or the old one when nothing had to be changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin import apis, oas_apis
from sluicegate.admin.api_files import EXTENSION, check_api_id
from sluicegate.admin.body import read_body
from sluicegate.admin.envelope import Refused, answer
from sluicegate.admin.json_body import object_of
from sluicegate.admin.shared import api_content, policy_content, refuse_without_cluster, settings_content, write
from sluicegate.apidef import gojson
from sluicegate.apidef.classic import APIDefinition
from sluicegate.apidef.gotypes import GoStruct
from sluicegate.apidef.policy_document import Policy
from sluicegate.cluster.document import API, KINDS, POLICY, SETTINGS, SETTINGS_KEY, Content, Key
from sluicegate.cluster.documents import Change
from sluicegate.errors import ConfigError

if TYPE_CHECKING:
    from sluicegate.admin.node import Node

MALFORMED = "Request malformed"
PUT, DELETE = "put", "delete"
LONGEST_NOTE = 500


class Applied(GoStruct, frozen=True):
    """What came of it."""

    status: str
    generation: int


async def apply(node: Node, request: Request) -> Response:
    """Write all changes, or none."""
    refuse_without_cluster(node)
    body = object_of(await read_body(node, request), MALFORMED)
    asked, generation, note = body.get("changes"), body.get("generation"), body.get("note", "")
    if not isinstance(asked, list) or not isinstance(note, str) or not _is_generation(generation):
        raise Refused(400, MALFORMED)
    changes = [_change(node, one, at) for at, one in enumerate(asked)]
    return answer(Applied("ok", await write(node, request, changes, note[:LONGEST_NOTE], generation)))


def _is_generation(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)


def _change(node: Node, asked: Any, at: int) -> Change:
    """Return one change. Raises Refused 400, with its place in the list."""
    where = f"changes[{at}]"
    if not isinstance(asked, dict):
        raise Refused(400, f"{where}: expected an object")
    kind, document_id, action = asked.get("kind"), asked.get("id", ""), asked.get("action", PUT)
    if kind == SETTINGS and not document_id:
        document_id = SETTINGS_KEY.id
    if kind not in KINDS or action not in (PUT, DELETE) or not isinstance(document_id, str):
        raise Refused(400, f"{where}: expected kind ({' or '.join(KINDS)}), id, and action ({PUT} or {DELETE})")
    if action == DELETE:
        return Change(Key(kind, document_id), None)
    document = asked.get("document")
    if not isinstance(document, dict):
        raise Refused(400, f"{where}: expected document to be an object")
    try:
        content = _content(node, kind, document_id, document)
    except Refused as refused:
        raise Refused(refused.status, f"{where}: {refused.message}") from None
    except ConfigError as error:
        raise Refused(400, f"{where}: {error}") from None
    return Change(content.key, content)


def _content(node: Node, kind: str, document_id: str, document: dict[str, Any]) -> Content:
    """Return the document that is asked for. Raises Refused, ConfigError."""
    if kind == API:
        return _api(node, document, document_id)
    if kind == POLICY:
        return _policy(document, document_id)
    return replace(settings_content(gojson.encode(document)), id=document_id)


def _api(node: Node, document: dict[str, Any], api_id: str) -> Content:
    if document.get(EXTENSION):
        oas_apis.check(document)
        definition = oas_apis.definition_of(document)
        definition = replace(definition, api_id=definition.api_id or api_id)
        _check_same(definition.api_id, api_id)
        return api_content(definition, oas_apis.completed(node, definition, document))
    definition = replace(gojson.convert(document, APIDefinition), is_oas=False)
    definition = replace(definition, api_id=definition.api_id or api_id)
    _check_same(definition.api_id, api_id)
    apis.validate(definition)
    return api_content(definition, None)


def _policy(document: dict[str, Any], policy_id: str) -> Content:
    policy = gojson.convert(document, Policy)
    policy = replace(policy, id=policy.id or policy_id)
    _check_same(policy.id, policy_id)
    return policy_content(policy)


def _check_same(found: str, asked: str) -> None:
    check_api_id(found)
    if asked and found != asked:
        raise Refused(400, f'the document has the id "{found}"')
