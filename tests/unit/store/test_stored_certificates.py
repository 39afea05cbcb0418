"""Certificates as Tyk leaves them in the store."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec.structs import replace

from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition
from sluicegate.settings.model import Settings
from sluicegate.store.certificates import is_stored_id
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.stored_certificates import asked_for, in_clear, read_stored

SECRET = "a-secret"
NUMBER = 0x74C95F8AC9C49E6C04ED65D0FEB43E210B08C54002208FB501CD9C6D5F17C5A8
STORED = b"""-----BEGIN CERTIFICATE-----
the chain
-----END CERTIFICATE-----

-----BEGIN ENCRYPTED PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-256-CBC,9D05C865A8509B8124658943EB511011

DfAJmPjDPniftGdy4RmR6sAZeBzRm9KR9qLD3q6k2dbfxVgY9+ymYksOXY73lxnw
d3IY3UtoqdjKyKw705s4zudPbpvPLcYSgIGZiP9kkI0r0EUxuuAUiAuiYiNubNIK
RgkeEDrSDWaAIw339CjXnI4Ngo6HIXtqW6pG7F8QXIE=
-----END ENCRYPTED PRIVATE KEY-----
"""
"""The key was encrypted by OpenSSL."""

ONE, TWO, THREE = "org" + "1" * 64, "2" * 64, "3" * 64


def number_of(pem: bytes) -> int:
    key = load_pem_private_key(pem, None)
    assert isinstance(key, EllipticCurvePrivateKey)
    return key.private_numbers().private_value


def test_the_key_is_decrypted_and_the_chain_stays() -> None:
    clear = in_clear(STORED, SECRET)
    assert clear.startswith(b"-----BEGIN CERTIFICATE-----\nthe chain\n")
    assert number_of(clear[clear.index(b"-----BEGIN PRIVATE KEY") :]) == NUMBER


def test_without_a_key_nothing_is_done() -> None:
    chain = STORED.partition(b"\n\n")[0]
    assert in_clear(chain, SECRET) == chain


@pytest.mark.parametrize("field", ["secret", "security"])
async def test_reads_what_is_there(field: str) -> None:
    settings = Settings(secret=SECRET)
    if field == "security":
        security = replace(settings.security, private_certificate_encoding_secret=SECRET)
        settings = replace(settings, secret="another", security=security)
    backend = MemoryBackend()
    await backend.set(f"cert-raw-{ONE}", STORED)
    found, problems = await read_stored(backend, {ONE, TWO}, settings)
    assert list(found) == [ONE]
    assert b"BEGIN PRIVATE KEY" in found[ONE]
    assert problems == []


async def test_another_secret_is_said_and_hurts_no_other() -> None:
    backend = MemoryBackend()
    await backend.set(f"cert-raw-{ONE}", STORED)
    await backend.set(f"cert-raw-{TWO}", b"only a chain")
    found, problems = await read_stored(backend, {ONE, TWO}, Settings(secret="another"))
    assert found == {TWO: b"only a chain"}
    assert [ONE in str(problem) for problem in problems] == [True]
    assert "another" not in problems[0].what


def test_only_what_is_asked_for_is_read() -> None:
    settings = Settings()
    options = replace(settings.http_server_options, ssl_certificates=[ONE, "/a/file.pem"])
    settings = replace(settings, http_server_options=options)
    api = Api(APIDefinition(certificates=(TWO,), upstream_certificates={"*": THREE}, client_certificates=("x",)))
    assert asked_for(settings, [api]) == {ONE, TWO, THREE}
    assert all(map(is_stored_id, (ONE, TWO, THREE)))
