"""TLS towards clients: real handshakes, one name after the other."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
import uvloop
from msgspec.structs import replace

from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition
from sluicegate.errors import ConfigError
from sluicegate.listener.tls import ServerTls
from sluicegate.settings.model import Settings
from sluicegate.settings.server import CertData, HTTPServerOptions
from sluicegate.store.certificates import Certificates

AUTHORITY = trustme.CA()


def pem_of(*names: str, authority: trustme.CA = AUTHORITY) -> str:
    return authority.issue_cert(*names).private_key_and_cert_chain_pem.bytes().decode()


def settings(*pems: str, certificates: list[CertData] | None = None, **options: object) -> Settings:
    return Settings(
        http_server_options=HTTPServerOptions(ssl_certificates=list(pems), certificates=certificates or [], **options)  # type: ignore[arg-type]
    )


def showing(node: Settings, *apis: Api, stored: dict[str, bytes] | None = None) -> ServerTls:
    tls = ServerTls(node)
    assert tls.reload(node, apis, Certificates(stored)) == []
    return tls


@asynccontextmanager
async def listening(tls: ServerTls, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown = writer.get_extra_info("ssl_object").getpeercert() or {}
        writer.write(repr(shown.get("subjectAltName")).encode() + b"\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context or tls.context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def seen(
    tls: ServerTls, name: str | None, client: ssl.SSLContext | None = None, begun_with: ssl.SSLContext | None = None
) -> str:
    """Return the first name of the certificate that a client sees, or "" when the server does not let it in."""
    client = client or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    AUTHORITY.configure_trust(client)
    async with listening(tls, begun_with) as port:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=name or "")
            line = await reader.readline()
        except OSError:
            return ""
        certificate = writer.get_extra_info("peercert")
        writer.close()
        return str(certificate["subjectAltName"][0][1]) if line else ""


async def test_the_name_that_is_asked_for_decides() -> None:
    tls = showing(settings(pem_of("first.test"), pem_of("A.test"), pem_of("*.wild.test"), pem_of("deep.wild.test")))
    assert await seen(tls, "a.test") == "a.test"
    assert await seen(tls, "x.wild.test") == "*.wild.test"
    assert await seen(tls, "deep.wild.test") == "deep.wild.test"
    assert await seen(tls, "x.y.wild.test") == "first.test", "a wildcard stands for one label"
    assert await seen(tls, "unknown.test") == "first.test"
    assert await seen(tls, None) == "first.test", "no name at all"


async def test_a_disabled_domain_shows_no_certificate() -> None:
    api = Api(APIDefinition(domain="api.test", domain_disabled=True, certificates=[pem_of("api.test")]))
    assert await seen(showing(settings(), api), "api.test") == ""


def test_the_loop_that_serves_does_the_same() -> None:
    tls = showing(settings(pem_of("first.test"), pem_of("a.test")))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(seen(tls, "a.test")) == "a.test"
        assert runner.run(seen(tls, None)) == "first.test"


async def test_files_names_and_definitions(tmp_path: Path) -> None:
    leaf = AUTHORITY.issue_cert("inside.test")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    key.write_bytes(leaf.private_key_pem.bytes())
    named = CertData(domain_name="outside.test", cert_file=str(chain), key_file=str(key))
    stored_id = "0" * 64
    apis = [
        Api(APIDefinition(domain="api.test", certificates=[pem_of("text.test")])),
        Api(APIDefinition(domain="{sub:[a-z]+}.test", certificates=[stored_id])),
    ]
    tls = showing(settings(certificates=[named]), *apis, stored={stored_id: pem_of("stored.test").encode()})
    for name in ("inside.test", "outside.test", "nobody.test"):
        assert await seen(tls, name) == "inside.test"
    assert await seen(tls, "api.test") == "text.test"
    assert await seen(tls, "stored.test") == "stored.test"


async def test_without_a_certificate_handshakes_fail_until_one_comes() -> None:
    node = settings()
    tls = showing(node)
    assert await seen(tls, "a.test") == ""
    tls.reload(node, [Api(APIDefinition(certificates=[pem_of("late.test")]))], Certificates())
    assert await seen(tls, "a.test") == "late.test"


async def test_a_renewed_file_is_shown_after_a_reload_and_others_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "site.pem"
    path.write_text(pem_of("old.test"))
    node = settings(pem_of("keep.test"), str(path))
    tls = showing(node)
    kept = tls._by_name["keep.test"]
    async with listening(tls) as port:
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        AUTHORITY.configure_trust(client)
        await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname="old.test")
        path.write_text(pem_of("new.test"))
        tls.reload(node, [], Certificates())
        await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname="new.test")
    assert tls._by_name["keep.test"] is kept


async def test_one_bad_certificate_is_named_and_hurts_no_other(tmp_path: Path) -> None:
    key_only = tmp_path / "key.pem"
    key_only.write_bytes(AUTHORITY.issue_cert("x.test").private_key_pem.bytes())
    authority = AUTHORITY.cert_pem.bytes().decode()
    node = settings("/nowhere.pem", str(key_only), authority, pem_of("good.test"), "-----BEGIN CERTIFICATE-----\nzork")
    tls = ServerTls(node)
    problems = tls.reload(node, [Api(APIDefinition(certificates=["1" * 64]), source="a.json")], Certificates())
    assert [problem.where for problem in problems] == [
        "http_server_options.ssl_certificates[0]",
        "http_server_options.ssl_certificates[1]",
        "http_server_options.ssl_certificates[2]",
        "http_server_options.ssl_certificates[4]",
        "a.json: certificates[0]",
    ]
    assert "PRIVATE KEY" not in "".join(map(str, problems))
    assert await seen(tls, "good.test") == "good.test"


async def test_client_certificates_are_asked_for_where_an_api_wants_them() -> None:
    listed, signed, stranger = trustme.CA(), trustme.CA(), trustme.CA()
    leaf = listed.issue_cert("leaf.test")
    certificates = [leaf.cert_chain_pems[0].bytes().decode(), signed.cert_pem.bytes().decode()]
    wants = APIDefinition(use_mutual_tls_auth=True, client_certificates=certificates, domain="a.test")
    lacks = APIDefinition(domain="a.test")
    node = replace(settings(pem_of("a.test")), enable_custom_domains=True)
    tls = showing(node, Api(wants), Api(lacks))

    def client(certificate: trustme.LeafCert | None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if certificate is not None:
            certificate.configure_cert(context)
        return context

    async def gets_in(certificate: trustme.LeafCert | None, name: str = "a.test") -> bool:
        context = tls.context_for(name, is_shared=False)
        assert tls.context_for(name, is_shared=False) is context, "it is made once"
        return await seen(tls, name, client(certificate), context) == "a.test"

    shown = (None, leaf, signed.issue_cert("any.test"), stranger.issue_cert("no.test"))
    assert [await gets_in(one) for one in shown] == [True, True, True, False]
    assert [await gets_in(one, "b.test") for one in shown] == [True] * 4, "nobody asks"
    tls.reload(node, [Api(wants)], Certificates())
    assert [await gets_in(one) for one in shown] == [False, True, True, False], "now it is demanded"
    tls.reload(node, [], Certificates())
    assert [await gets_in(one) for one in shown] == [True] * 4
    assert not tls.asks


async def test_versions_and_ciphers() -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    pem = pem_of("a.test")
    assert await seen(showing(settings(pem, min_version=772)), "a.test", old) == ""
    chosen = ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"]
    assert await seen(showing(settings(pem, ssl_ciphers=chosen)), "a.test", old) == "a.test"
    old.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    assert await seen(showing(settings(pem, ssl_ciphers=chosen)), "a.test", old) == ""


def test_wrong_versions_and_ciphers_are_errors_at_start() -> None:
    with pytest.raises(ConfigError, match="above the highest"):
        ServerTls(settings(min_version=772, max_version=771))
    with pytest.raises(ConfigError, match="unknown cipher suite 'NOPE'"):
        ServerTls(settings(ssl_ciphers=["NOPE"]))
