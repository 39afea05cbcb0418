"""`/tyk/keys`: make keys and change them (contract 04.6).

What is stored is a session with its policies applied. A write resets the counters of the key, unless it says otherwise.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.body import read_body
from sluicegate.admin.envelope import Refused, answer, changed
from sluicegate.admin.key_ask import KeyAsk
from sluicegate.admin.key_certificates import check_bindings, check_change
from sluicegate.admin.key_session import change, made_now, save, timestamp, with_trial_period
from sluicegate.admin.keys import applied
from sluicegate.admin.node import Node
from sluicegate.admin.passwords import with_hashed_password
from sluicegate.admin.query import query_of
from sluicegate.apidef import gojson
from sluicegate.apidef.gotypes import GoStruct
from sluicegate.apidef.policy import PolicyError
from sluicegate.apidef.session import Session
from sluicegate.clock import now
from sluicegate.errors import ConfigError, StoreError
from sluicegate.store.tokens import make_token

MALFORMED = "Request malformed"
NO_RIGHTS = "Failed to create key, keys must have at least one Access Rights record set."
INSECURE = "Failed to create key, ensure security settings are correct."


class PolicyInstruction(GoStruct, frozen=True):
    """Which policies a key gets."""

    policy: str = ""
    apply_policies: Sequence[str] = ()


async def create(node: Node, request: Request) -> Response:
    """Make a key with a random name, or the one that its certificate gives it."""
    session = await _session_of(node, request, 500, "Unmarshalling failed")
    settings = node.settings
    if session.hmac_enabled:
        session = replace(session, hmac_string=_random_secret())
    token = make_token(session.org_id, session.certificate, settings.hash_key_function)
    try:
        if session.certificate and await node.keys.read(token, session.org_id) is not None:
            raise Refused(500, f"Failed to create key - Key with given certificate already found:{token}")
        session = node.policies.apply(replace(session, last_updated=timestamp(), date_created=made_now()), None)
        if not session.access_rights and not settings.allow_master_keys:
            raise Refused(400, NO_RIGHTS)
        await check_bindings(node, session)
        name = node.keys.name_of(token)
        await save(node, name, with_trial_period(node, session, is_new=True))
    except (PolicyError, StoreError) as error:
        raise Refused(500, f"Failed to create key - {error}") from None
    return changed(token, "added", name if settings.hash_keys else "")


async def preview(node: Node, request: Request) -> Response:
    """Answer what would be stored, and store nothing."""
    session = await _session_of(node, request, 500, "Unmarshalling failed")
    return answer(applied(node, replace(session, last_updated=timestamp(), date_created=made_now())))


async def add(node: Node, request: Request) -> Response:
    """Make a key with the name in the path, or replace it; without a name it gets a random one."""
    ask = KeyAsk.of(node, request)
    settings = node.settings
    if ask.given and len(ask.given) < settings.min_token_length:
        raise Refused(
            400,
            f"custom key ID length {len(ask.given)} is less than min_token_length ({settings.min_token_length}); "
            "use a longer ID or lower min_token_length",
        )
    session = applied(node, await _session_of(node, request, 400, MALFORMED))
    token = make_token(session.org_id, ask.given, settings.hash_key_function)
    name = token if ask.hashed else node.keys.name_of(token)
    session = replace(session, date_created=made_now(), expires=_expiry(session, 0))
    has_password = bool(session.basic_auth_data.password)
    if has_password:
        session = await with_hashed_password(session, settings.basic_auth_hash_key_function)
    await _save_or_refuse(node, name, session, request, is_new=not await node.keys.has(name))
    if not settings.hash_keys:
        return changed(token, "added")
    return changed("" if has_password else token, "added", name)


async def update(node: Node, request: Request) -> Response:
    """Replace the session of a key; when it was made, and a password that is not sent, stay."""
    ask = KeyAsk.of(node, request)
    sent = await _session_of(node, request, 400, MALFORMED)

    async def attempt(name: str) -> Response:
        found = await node.keys.read(name, sent.org_id, hashed=ask.hashed) if name else None
        if found is None:
            raise Refused(404, "Key is not found")
        old, new = found.session, applied(node, sent)
        await check_change(node, new, old)
        new = replace(new, date_created=old.date_created, expires=_expiry(new, old.expires))
        if _suppresses_reset(request):
            new = _with_counters_of(new, old)
        new = await _with_password(node, new, old)
        await _save_or_refuse(node, found.name, new, request, is_new=False)
        return changed(found.token, "modified")

    return await ask.try_both(node, attempt)


async def set_policies(node: Node, request: Request) -> Response:
    """Give a key other policies; it is named by its hash."""
    try:
        instruction = gojson.decode(await read_body(node, request), PolicyInstruction)
    except ConfigError:
        raise Refused(400, "Couldn't decode instruction") from None
    policies = [*instruction.apply_policies, *([instruction.policy] if instruction.policy else [])]
    name = request.path_params["keyName"]

    def with_policies(session: Session) -> Session:
        return replace(session, apply_policies=policies, apply_policy_id="", last_updated=timestamp())

    if not await change(node, name, with_policies):
        raise Refused(404, "Key not found")
    return changed(name, "updated")


async def _session_of(node: Node, request: Request, status: int, malformed: str) -> Session:
    try:
        return gojson.decode(await read_body(node, request), Session)
    except ConfigError:
        raise Refused(status, malformed) from None


async def _save_or_refuse(node: Node, name: str, session: Session, request: Request, *, is_new: bool) -> None:
    """Apply the policies and store what comes out. Raises Refused 500 where they don't apply or give no rights."""
    await check_bindings(node, session)
    reset = not _suppresses_reset(request)
    if reset:
        session = replace(session, last_updated=timestamp())
    try:
        session = node.policies.apply(with_trial_period(node, session, is_new=is_new), None)
    except PolicyError:
        raise Refused(500, INSECURE) from None
    if not session.access_rights and not node.settings.allow_master_keys:
        raise Refused(500, INSECURE)
    await save(node, name, session, reset=reset)


async def _with_password(node: Node, new: Session, old: Session) -> Session:
    """Return the session with the password that counts: a new one is hashed, none sent means the old one."""
    password, before = new.basic_auth_data.password, old.basic_auth_data
    if not password:
        return replace(new, basic_auth_data=before) if before.password else new
    if password == before.password:
        return new
    return await with_hashed_password(new, node.settings.basic_auth_hash_key_function)


def _with_counters_of(new: Session, old: Session) -> Session:
    """Return the session as if it had not been written: quotas go on, and so do rate limits."""
    rights = dict(new.access_rights)
    for api_id, before in old.access_rights.items():
        after = rights.get(api_id)
        if after is not None and not after.limit.is_empty and not before.limit.is_empty:
            rights[api_id] = replace(after, limit=replace(after.limit, quota_renews=before.limit.quota_renews))
    return replace(new, quota_renews=old.quota_renews, last_updated=old.last_updated, access_rights=rights)


def _expiry(session: Session, before: int) -> int:
    """Return when a key expires: a moment that has passed already stands for what was before."""
    return before if 1 < session.expires < now() else session.expires


def _suppresses_reset(request: Request) -> bool:
    return query_of(request).get("suppress_reset") == "1"


def _random_secret() -> str:
    return base64.b64encode(uuid.uuid4().hex.encode()).decode("ascii")
