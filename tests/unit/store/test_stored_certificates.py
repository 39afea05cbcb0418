"""Certificates as Tyk leaves them in the store."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.unit.store.test_private_keys import STORED

from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition
from sluicegate.apidef.classic.proxy import ProxyConfig, ProxyTransport
from sluicegate.settings.model import Settings
from sluicegate.store.certificates import is_stored_id
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.stored_certificates import asked_for, read_stored

SECRET = "a-secret"
ONE, TWO, THREE, FOUR = "org" + "1" * 64, "2" * 64, "3" * 64, "4" * 64


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
    proxy = ProxyConfig(transport=ProxyTransport(ssl_ca_file=FOUR))
    named = {"certificates": (TWO,), "upstream_certificates": {"*": THREE}, "client_certificates": ("x",)}
    api = Api(APIDefinition(proxy=proxy, **named))
    assert asked_for(settings, [api]) == {ONE, TWO, THREE, FOUR}
    assert all(map(is_stored_id, (ONE, TWO, THREE)))
