"""The certificates that a session names: they belong to its organisation, and are there (contract 03.1, 04.6)."""

from __future__ import annotations

from sluicegate.admin.envelope import Refused
from sluicegate.admin.node import Node
from sluicegate.apidef.session import Session
from sluicegate.store import names
from sluicegate.store.certificates import is_stored_id


async def check_bindings(node: Node, session: Session) -> None:
    """Raise Refused for a certificate that the key would be bound to and could never be shown."""
    for certificate_id in session.mtls_static_certificate_bindings:
        if not (certificate_id.startswith(session.org_id) and is_stored_id(certificate_id)):
            raise Refused(400, f"invalid certificate ID: {certificate_id}")
        if not await _is_there(node, certificate_id):
            raise Refused(400, f"certificate not found: {certificate_id}")


async def check_change(node: Node, new: Session, old: Session) -> None:
    """Raise Refused where a key that comes with a certificate would lose it, or get one that is not there."""
    if new.certificate == old.certificate:
        return
    if not new.certificate:
        raise Refused(400, "Key cannot be used without a certificate")
    if not await _is_there(node, new.certificate):
        raise Refused(400, "Key must be used with an existent certificate")


async def _is_there(node: Node, certificate_id: str) -> bool:
    return await node.store.get(names.certificate(certificate_id)) is not None
