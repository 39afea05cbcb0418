"""`/tyk/certs`: certificates and public keys that definitions and settings refer to by id (contract 04.10).

An id is the organisation and the SHA-256 of the certificate. What is written or removed is followed by every worker and
node at once, where a definition or a setting names it. Private keys come in here and never go out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.body import read_body
from sluicegate.admin.certificate_view import Basics, Meta, basics_of, meta_of
from sluicegate.admin.envelope import Refused, answer, said
from sluicegate.admin.node import Node
from sluicegate.admin.query import query_of
from sluicegate.apidef.gotypes import GoStruct
from sluicegate.store.certificate_records import (
    FINGERPRINT_LENGTH,
    CertificateRecords,
    CertificateRefused,
    record_of,
)
from sluicegate.store.certificates import PEM_LIMIT_BYTES, is_stored_id
from sluicegate.store.stored_certificates import encoding_secret

NOT_FOUND = "Certificate with given SHA256 fingerprint not found"
BAD_ORG_ID = "org_id may consist of letters, digits, - and _ only"
DETAILED = "detailed"


class Added(GoStruct, frozen=True):
    """The envelope of a certificate that was added."""

    id: str
    status: str
    message: str


class IdList(GoStruct, frozen=True):
    """Ids of certificates."""

    certs: Sequence[str]


class DetailedList(GoStruct, frozen=True):
    """Certificates with what is in them."""

    certs: Sequence[Basics]


async def add(node: Node, request: Request) -> Response:
    """Store what the body says in PEM."""
    pem = await read_body(node, request, PEM_LIMIT_BYTES)
    org_id = query_of(request).get("org_id", "")
    if not is_stored_id(org_id + "0" * FINGERPRINT_LENGTH):
        raise Refused(403, BAD_ORG_ID)
    try:
        record = await asyncio.to_thread(record_of, pem, encoding_secret(node.settings))
    except CertificateRefused as refused:
        raise Refused(403, refused.what) from None
    certificate_id = org_id + record.fingerprint
    if not await CertificateRecords(node.store).add(certificate_id, org_id, record.text):
        raise Refused(403, f"Certificate with {certificate_id} id already exists")
    await node.renew_certificates([certificate_id])
    return answer(Added(certificate_id, "ok", "Certificate added"))


async def show_all(node: Node, request: Request) -> Response:
    """Answer the ids of an organisation's certificates, or of all; with `mode=detailed`, what is in them."""
    query, records = query_of(request), CertificateRecords(node.store)
    ids = await records.ids(query.get("org_id", ""))
    if query.get("mode") != DETAILED:
        return answer(IdList(tuple(ids)))
    shown = [meta for meta in await _metas(records, ids) if meta is not None]
    return answer(DetailedList(tuple(basics_of(meta) for meta in shown)))


async def show(node: Node, request: Request) -> Response:
    """Answer one certificate, or several: null for each that is not there."""
    ids = request.path_params["certID"].split(",")
    shown = await _metas(CertificateRecords(node.store), ids)
    if len(ids) > 1:
        return answer(shown)
    if shown[0] is None:
        raise Refused(404, NOT_FOUND)
    return answer(shown[0])


async def remove(node: Node, request: Request) -> Response:
    """Remove a certificate; that it was not there makes no difference."""
    certificate_id = request.path_params["certID"]
    org_id = query_of(request).get("org_id", "") or certificate_id[:-FINGERPRINT_LENGTH]
    await CertificateRecords(node.store).remove(certificate_id, org_id)
    await node.renew_certificates([certificate_id])
    return said("removed")


async def _metas(records: CertificateRecords, ids: list[str]) -> list[Meta | None]:
    texts = await records.texts(ids)
    return [meta_of(one, text) if text is not None else None for one, text in zip(ids, texts, strict=True)]
