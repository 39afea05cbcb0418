"""TLS towards upstreams: real handshakes, with certificates made for the test."""

from __future__ import annotations

import asyncio
import errno
import gc
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition, ProxyConfig, ProxyTransport
from sluicegate.errors import ConfigError, UpstreamFault
from sluicegate.settings.model import Settings
from sluicegate.settings.server import Certificates as CertificateSettings
from sluicegate.settings.server import Security
from sluicegate.store.certificates import Certificates
from sluicegate.upstream.target import parse_target
from sluicegate.upstream.tls import TlsOptions, UpstreamTls, fault_of, options_of

AUTHORITY = trustme.CA()
PEM = AUTHORITY.cert_pem.bytes()
SERVER = AUTHORITY.issue_cert("a.test", common_name="a.test")

REFUSED = ("TLS_HANDSHAKE", "TLS_PROTOCOL", "RESET")
"""A server that refuses a handshake says so, or just closes, as its author liked it."""


def pem_of(cert: trustme.LeafCert) -> str:
    return cert.private_key_and_cert_chain_pem.bytes().decode()


@asynccontextmanager
async def server(prepare: Callable[[ssl.SSLContext], None] = lambda _: None) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    SERVER.configure_cert(context)
    prepare(context)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        certificate = writer.get_extra_info("peercert") or {}
        writer.write(repr(certificate.get("subjectAltName")).encode() + b"\n")
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def shake(
    options: TlsOptions, name: str = "a.test", prepare: Callable[[ssl.SSLContext], None] = lambda _: None
) -> str:
    """Return what the server saw, or the fault's name."""
    context = UpstreamTls().context(options, "here")
    async with server(prepare) as port:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
            line = await reader.readline()
        except OSError as error:
            return fault_of(error).name
        writer.close()
        return line.decode().strip()


async def test_a_trusted_certificate_of_that_name_is_accepted() -> None:
    assert await shake(TlsOptions(authorities=PEM)) == "None"


async def test_the_systems_authorities_do_not_know_it() -> None:
    assert await shake(TlsOptions()) == "TLS_UNTRUSTED"


async def test_another_name_is_refused() -> None:
    assert await shake(TlsOptions(authorities=PEM), "b.test") == "TLS_MISMATCH"
    assert await shake(TlsOptions(authorities=PEM), "127.0.0.1") == "TLS_MISMATCH"


@pytest.mark.parametrize(("begins", "ends"), [(-2, -1), (1, 2)])
async def test_a_certificate_out_of_its_time_is_no_trust_and_says_so(begins: int, ends: int) -> None:
    today = datetime.now(UTC)
    late = AUTHORITY.issue_cert("a.test", not_before=today + timedelta(begins), not_after=today + timedelta(ends))
    assert await shake(TlsOptions(authorities=PEM), prepare=late.configure_cert) == "TLS_EXPIRED"


async def test_nothing_is_verified_when_so_asked() -> None:
    assert await shake(TlsOptions(verified=False), "b.test") == "None"


async def test_the_common_name_counts_when_so_asked() -> None:
    assert await shake(TlsOptions(verified=False, common_name=True)) == "None"
    assert await shake(TlsOptions(verified=False, common_name=True), "b.test") == "TLS_MISMATCH"


async def test_pinned_keys() -> None:
    key = x509.load_pem_x509_certificate(SERVER.cert_chain_pems[0].bytes()).public_key()
    pin = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    assert await shake(TlsOptions(authorities=PEM, pins=frozenset({pin}))) == "None"
    assert await shake(TlsOptions(authorities=PEM, pins=frozenset({"0" * 64}))) == "TLS_UNTRUSTED"


def test_the_closer_look_works_on_the_loop_that_serves() -> None:
    options = TlsOptions(authorities=PEM, pins=frozenset({"0" * 64}))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(shake(options)) == "TLS_UNTRUSTED"
        assert runner.run(shake(TlsOptions(authorities=PEM))) == "None"


async def test_presents_a_client_certificate() -> None:
    def ask(context: ssl.SSLContext) -> None:
        AUTHORITY.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED

    identity = pem_of(AUTHORITY.issue_cert("client.test")).encode()
    assert "client.test" in await shake(TlsOptions(authorities=PEM, identity=identity), prepare=ask)


async def test_versions_and_ciphers_must_meet() -> None:
    def newest_only(context: ssl.SSLContext) -> None:
        context.minimum_version = ssl.TLSVersion.TLSv1_3

    def one_cipher(context: ssl.SSLContext) -> None:
        context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")

    assert await shake(TlsOptions(authorities=PEM, highest=771), prepare=newest_only) in REFUSED
    other = ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",)
    same = ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",)
    assert await shake(TlsOptions(authorities=PEM, highest=771, ciphers=other), prepare=one_cipher) in REFUSED
    assert await shake(TlsOptions(authorities=PEM, highest=771, ciphers=same), prepare=one_cipher) == "None"


async def test_a_server_without_tls_is_a_tls_fault() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        with pytest.raises(OSError) as caught:
            await asyncio.open_connection("127.0.0.1", port, ssl=UpstreamTls().context(TlsOptions(), "here"))
    assert fault_of(caught.value) is UpstreamFault.TLS_PROTOCOL


@pytest.mark.parametrize(
    ("reason", "fault"),
    [
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", UpstreamFault.TLS_HANDSHAKE),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", UpstreamFault.TLS_HANDSHAKE),
        ("NO_CIPHERS_AVAILABLE", UpstreamFault.TLS_HANDSHAKE),
        ("TLSV1_ALERT_PROTOCOL_VERSION", UpstreamFault.TLS_PROTOCOL),
        ("TLSV1_ALERT_UNKNOWN_CA", UpstreamFault.TLS_ALERT),
        (None, UpstreamFault.TLS_HANDSHAKE),
    ],
)
def test_faults_of_handshakes(reason: str | None, fault: UpstreamFault) -> None:
    error = ssl.SSLError(1, "failed")
    error.reason = reason  # type: ignore[assignment]
    assert fault_of(error) is fault


def test_faults_without_tls() -> None:
    assert fault_of(ConnectionRefusedError()) is UpstreamFault.REFUSED
    assert fault_of(ConnectionResetError()) is UpstreamFault.RESET
    assert fault_of(socket.gaierror()) is UpstreamFault.DNS
    assert fault_of(OSError(errno.EHOSTUNREACH, "No route to host")) is UpstreamFault.NO_ROUTE
    assert fault_of(OSError(errno.ENETUNREACH, "Network is unreachable")) is UpstreamFault.NO_ROUTE
    assert fault_of(OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")) is UpstreamFault.REFUSED


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (TlsOptions(lowest=1), "no TLS version"),
        (TlsOptions(lowest=772, highest=771), "above the highest"),
        (TlsOptions(ciphers=("TLS_NOPE",)), "unknown cipher suite 'TLS_NOPE'"),
        (TlsOptions(authorities=b"no"), "not a certificate"),
        (TlsOptions(identity=PEM), "not a certificate with its private key"),
        (TlsOptions(pins=frozenset({"abc"})), "not a SHA-256"),
    ],
)
def test_refuses(options: TlsOptions, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        UpstreamTls().context(options, "here")


def test_contexts_are_shared_and_go_with_their_last_target() -> None:
    tls = UpstreamTls()
    one, two = parse_target("https://a.test"), parse_target("https://b.test")
    for target in (one, two):
        tls.equip(target, Api(APIDefinition()), Settings(), Certificates())
    assert one.tls is two.tls is not None
    one.tls = two.tls = None
    gc.collect()
    assert len(tls._contexts) == 0


def test_the_definition_counts_more_than_the_settings(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("any", "exact", "wild", "global")}
    for name, path in files.items():
        path.write_text(name)
    transport = ProxyTransport(ssl_min_version=772, ssl_ciphers=["X"], ssl_insecure_skip_verify=True)
    api = Api(
        APIDefinition(
            proxy=ProxyConfig(transport=transport),
            upstream_certificates={
                "*": str(files["any"]),
                "a.test:444": str(files["exact"]),
                "*.b.test": str(files["wild"]),
            },
        )
    )
    security = Security(certificates=CertificateSettings(upstream={"*": str(files["global"])}))
    settings = Settings(security=security, proxy_ssl_min_version=771, proxy_ssl_ciphers=["Y"])

    def identity(url: str, api: Api = api) -> bytes:
        return options_of(parse_target(url), api, settings, Certificates()).identity

    assert identity("https://a.test:444") == b"exact"
    assert identity("https://x.b.test") == b"wild"
    assert identity("https://a.test") == b"any"
    assert identity("https://a.test", Api(APIDefinition())) == b"global"
    options = options_of(parse_target("https://a.test"), api, settings, Certificates())
    assert (options.lowest, options.ciphers, options.verified) == (772, ("X",), False)


def test_a_certificate_that_cannot_be_found_is_named() -> None:
    api = Api(APIDefinition(upstream_certificates={"*": "/nowhere.pem"}), source="a.json")
    with pytest.raises(ConfigError, match=r"a\.json: upstream_certificates: cannot read certificate '/nowhere.pem'"):
        options_of(parse_target("https://a.test"), api, Settings(), Certificates())
    api = Api(APIDefinition(upstream_certificates={"*": "0" * 64}))
    with pytest.raises(ConfigError, match="not in the store"):
        options_of(parse_target("https://a.test"), api, Settings(), Certificates())
    stored = Certificates({"0" * 64: b"pem"})
    assert options_of(parse_target("https://a.test"), api, Settings(), stored).identity == b"pem"
