"""`/tyk/policies`: policies in files (contract 04.8).

Where nodes share, they are the cluster's (`shared.py`). Else they lie in `policies.policy_path`, one a file; where the
settings name one file for all (`policy_record_name`), that file is changed. Tyk would write beside it and never read it
back.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin import folder
from sluicegate.admin.body import read_body
from sluicegate.admin.envelope import Refused, answer, changed
from sluicegate.admin.folder import LONGEST_ID_BYTES, is_too_long
from sluicegate.admin.in_force import put_in_force
from sluicegate.admin.node import Node
from sluicegate.admin.shared import etag, policy_content, share
from sluicegate.apidef import gojson
from sluicegate.apidef.file import bytes_of
from sluicegate.apidef.policy import Policy
from sluicegate.apidef.rights import limits_tools
from sluicegate.cluster.document import POLICY, Key
from sluicegate.cluster.documents import Change
from sluicegate.errors import ConfigError

SAFE_ID = re.compile(r"[A-Za-z0-9._~-]+")
INVALID_ID = "Invalid Policy ID: Allowed characters: a-z, A-Z, 0-9, ., _, -, ~"
NO_STORAGE = "Unable to access policy storage."
NOT_MCP = 'MCP fields can only be configured on MCP Proxies, API "{}" is not an MCP Proxy'
MISMATCH = "Request ID does not match that in policy! For Update operations these must match."


async def show_all(node: Node, request: Request) -> Response:
    """Answer the policies in force."""
    return answer(list(node.policies.values()))


async def show(node: Node, request: Request) -> Response:
    """Answer one policy."""
    policy = node.policies.get(request.path_params["polID"])
    if policy is None:
        raise Refused(404, "Policy not found")
    return answer(policy, headers=etag(node, Key(POLICY, policy.id)))


async def create(node: Node, request: Request) -> Response:
    """Add a policy, or replace the one with the same id."""
    policy = await _policy_of(node, request)
    return changed(policy.id, "added", headers=await _write(node, request, policy))


async def update(node: Node, request: Request) -> Response:
    """Replace a policy; one that is not there is added."""
    policy = await _policy_of(node, request)
    if policy.id != request.path_params["polID"]:
        raise Refused(400, MISMATCH)
    return changed(policy.id, "modified", headers=await _write(node, request, policy))


async def delete(node: Node, request: Request) -> Response:
    """Remove a policy; keys that have no other lose their access."""
    _refuse_foreign_source(node)
    policy_id = request.path_params["polID"]
    _check_id(node, policy_id)
    if node.shared_generation(Key(POLICY, policy_id)):
        await share(node, request, [Change(Key(POLICY, policy_id), None)])
        return changed(policy_id, "deleted")
    shelf = _shelf(node)
    if not shelf.has(policy_id):
        raise Refused(500, "Delete failed")
    await put_in_force(node, shelf.folder, lambda change: shelf.remove(change, policy_id), "Delete failed")
    return changed(policy_id, "deleted")


async def update_none(node: Node, request: Request) -> Response:
    """Refuse a PUT without an id."""
    raise Refused(400, "Must specify an apiID to update")


async def delete_none(node: Node, request: Request) -> Response:
    """Refuse a DELETE without an id."""
    raise Refused(400, "Must specify an apiID to delete")


class FolderShelf:
    """Policies one a file."""

    def __init__(self, place: Path) -> None:
        self.folder = place

    def has(self, policy_id: str) -> bool:
        """Return whether a file holds this policy."""
        return self._path_of(policy_id).exists()

    def put(self, change: folder.Change, policy_id: str, policy: Policy) -> None:
        """Write the policy where it is, or to `<id>.json`."""
        change.write(self._path_of(policy_id), _file(policy))

    def remove(self, change: folder.Change, policy_id: str) -> None:
        """Remove the file of the policy."""
        change.remove(self._path_of(policy_id))

    def _path_of(self, policy_id: str) -> Path:
        """Return the file that holds the policy: people name files as they like, and an id must not be there twice."""
        path = self.folder / f"{policy_id}.json"
        if path.exists():
            return path
        return next((other for other in sorted(self.folder.glob("*.json")) if _id_in(other) == policy_id), path)


class FileShelf:
    """All policies in one file, by id."""

    def __init__(self, file: Path) -> None:
        self.folder = file.parent
        self._file = file

    def has(self, policy_id: str) -> bool:
        """Return whether the file holds this policy."""
        return policy_id in self._read()

    def put(self, change: folder.Change, policy_id: str, policy: Policy) -> None:
        """Write the policy under its id."""
        change.write(self._file, _file({**self._read(), policy_id: policy}))

    def remove(self, change: folder.Change, policy_id: str) -> None:
        """Remove what is under the id."""
        change.write(self._file, _file({key: value for key, value in self._read().items() if key != policy_id}))

    def _read(self) -> dict[str, Any]:
        try:
            policies = gojson.parse(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except (ConfigError, OSError):
            raise Refused(500, NO_STORAGE) from None
        if not isinstance(policies, dict):
            raise Refused(500, NO_STORAGE)
        return policies


def _shelf(node: Node) -> FolderShelf | FileShelf:
    """Return where policies lie. Raises Refused 500 when nothing written there would ever be read."""
    settings = node.settings.policies
    if settings.policy_path:
        shelf: FolderShelf | FileShelf = FolderShelf(Path(settings.policy_path))
    elif settings.policy_record_name:
        shelf = FileShelf(Path(settings.policy_record_name))
    else:
        raise _no_storage(node, "policies.policy_path is not set")
    if not shelf.folder.is_dir():
        raise _no_storage(node, f"there is no folder {shelf.folder}")
    return shelf


def _no_storage(node: Node, why: str) -> Refused:
    node.services.log("error", NO_STORAGE, prefix="api", error=why)
    return Refused(500, NO_STORAGE)


async def _policy_of(node: Node, request: Request) -> Policy:
    """Return the policy that was sent, with an id that is safe to name a file by. Raises Refused."""
    _refuse_foreign_source(node)
    try:
        policy = gojson.decode(await read_body(node, request), Policy)
    except ConfigError:
        raise Refused(400, "Request malformed") from None
    if not policy.id:
        policy = replace(policy, id=policy.mid)
    if not policy.id:
        raise Refused(400, "Unable to create policy without id.")
    _check_id(node, policy.id)
    _check_rights(node, policy)
    return policy


async def _write(node: Node, request: Request, policy: Policy) -> dict[str, str]:
    """Put a policy in force, and return headers for the answer."""
    if node.shares:
        return await share(node, request, [Change(Key(POLICY, policy.id), policy_content(policy))])
    shelf = _shelf(node)
    await put_in_force(
        node, shelf.folder, lambda change: shelf.put(change, policy.id, policy), "Failed to create file!"
    )
    return {}


def _check_id(node: Node, policy_id: str) -> None:
    """Raise Refused for ids that Tyk does not allow, and for those that would leave the folder whatever is allowed."""
    is_safe = SAFE_ID.fullmatch(policy_id) is not None or node.settings.allow_unsafe_policy_ids
    if is_too_long(policy_id):
        raise Refused(400, f"Invalid Policy ID: longer than {LONGEST_ID_BYTES} bytes")
    if not is_safe or "/" in policy_id or "\0" in policy_id or policy_id in (".", ".."):
        raise Refused(400, INVALID_ID)


def _check_rights(node: Node, policy: Policy) -> None:
    """Raise Refused for rights to tools of an API that has none; one that is not loaded may have some."""
    for api_id, rights in policy.access_rights.items():
        api = node.find_api(api_id)
        if api is not None and api.classic.application_protocol != "mcp" and limits_tools(rights):
            raise Refused(400, NOT_MCP.format(api_id))


def _refuse_foreign_source(node: Node) -> None:
    if node.settings.policies.policy_source == "service":
        raise Refused(500, "Due to enabled service policy source, please use the Dashboard API")


def _file(document: Any) -> bytes:
    return gojson.indented(gojson.encode(document))


def _id_in(file: Path) -> str:
    try:
        policy = gojson.decode(bytes_of(file, ""), Policy)
    except ConfigError:
        return ""
    return policy.id or policy.mid
