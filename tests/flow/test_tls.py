"""TLS on both sides: certificates by name towards clients, verified ones towards upstreams."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.gateway import Gateway, api
from tests.upstreams import Upstream, answer
from tests.wire import Wire, get, request

AUTHORITY = trustme.CA()
STRANGER = trustme.CA()
UPGRADE = ("Connection: Upgrade", "Upgrade: websocket")


def trusting(authority: trustme.CA = AUTHORITY) -> ssl.SSLContext:
    """Return what a client of the gateway has."""
    return ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())


def showing(cert: trustme.LeafCert, clients: trustme.CA | None = None) -> ssl.SSLContext:
    """Return what an upstream has; with `clients` it demands a certificate of theirs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        clients.configure_trust(context)
    return context


def files(folder: Path, name: str, cert: trustme.LeafCert) -> dict[str, str]:
    """Write a certificate and its key; return the entry of the settings."""
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_bytes(b"".join(one.bytes() for one in cert.cert_chain_pems))
    key.write_bytes(cert.private_key_pem.bytes())
    return {"domain_name": name, "cert_file": str(chain), "key_file": str(key)}


# -- towards clients


def script(wire: Wire, upstream: Upstream) -> None:
    while True:
        message = upstream.take(wire)
        if message.get(b"upgrade"):
            wire.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            while data := wire.read_until(b"\n"):
                wire.send(data)
        wire.send(answer(message.body or b"plain"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(script) as one:
        yield one


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gateway")


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, folder: Path) -> Iterator[Gateway]:
    shown = [files(folder, name, AUTHORITY.issue_cert(name)) for name in ("one.test", "two.test")]
    conf = {
        "http_server_options": {"use_ssl": True, "certificates": shown},
        "sluicegate": {"header_timeout_s": 3},
    }
    with TlsGateway(folder, apis=[api("/a/", upstream.url)], conf=conf) as one:
        yield one


class TlsGateway(Gateway):
    """A gateway whose port speaks TLS."""

    def raw(self, *, port: int | None = None, tls: ssl.SSLContext | None = None, name: str | None = None) -> Wire:
        return super().raw(port=port, tls=tls or trusting(), name=name or "one.test")


@pytest.mark.parametrize("name", ["one.test", "two.test"])
def test_each_name_has_its_certificate(gateway: Gateway, name: str) -> None:
    with gateway.raw(name=name) as client:
        assert client.ask(get("/a/x")).body == b"plain"
        shown = client.sock.getpeercert()  # type: ignore[attr-defined]
        assert shown["subjectAltName"] == (("DNS", name),)


def test_other_names_get_the_first(gateway: Gateway) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        gateway.raw(name="three.test")


def test_large_bodies(gateway: Gateway) -> None:
    body = bytes(range(256)) * 20_000
    with gateway.raw() as client:
        client.send(request("POST", "/a/x", body=body))
        assert client.read_answer().body == body
        assert client.ask(get("/a/x")).body == b"plain"


def test_pipelining(gateway: Gateway) -> None:
    with gateway.raw() as client:
        client.send(get("/a/x") * 50)
        assert [client.read_answer().status for _ in range(50)] == [200] * 50


def test_tunnels(gateway: Gateway) -> None:
    with gateway.raw() as client:
        assert client.ask(get("/a/x", *UPGRADE)).status == 101
        client.send(b"hello\n")
        assert client.read_until(b"\n") == b"hello\n"


def test_a_refusal_is_answered(gateway: Gateway) -> None:
    with gateway.raw() as client:
        assert client.ask(b"GET / HTTP/1.1\r\nX : 1\r\n\r\n").status == 400


def test_plain_http_and_slow_handshakes_end(gateway: Gateway) -> None:
    with Gateway.raw(gateway) as client:
        client.send(get("/a/x"))
        client.read_to_end()
    with Gateway.raw(gateway) as client:
        assert client.is_closed()


def test_certificates_are_renewed_by_a_reload(gateway: Gateway, folder: Path) -> None:
    with gateway.raw(name="two.test") as before:
        old = before.sock.getpeercert()["serialNumber"]  # type: ignore[attr-defined]
        files(folder, "two.test", AUTHORITY.issue_cert("two.test"))
        ask_to_reload(gateway)
        with gateway.raw(name="two.test") as after:
            assert after.sock.getpeercert()["serialNumber"] != old  # type: ignore[attr-defined]
        assert before.ask(get("/a/x")).status == 200


def ask_to_reload(gateway: Gateway) -> None:
    with gateway.raw() as client:
        assert client.ask(get("/tyk/reload?block=true", f"X-Tyk-Authorization: {gateway.conf['secret']}")).status == 200


# -- towards upstreams


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("plain")) as one:
        yield one


def ask_of(gateway: Gateway, upstream: Upstream, **more: Any) -> tuple[int, str]:
    """Serve an API with that upstream, and return status and text of an answer."""
    gateway.write_api(api("/s/", upstream.url, **more))
    gateway.reload()
    answered = gateway.ask(get("/s/x"))
    return answered.status, answered.body.decode()


def failed(asked: tuple[int, str]) -> bool:
    return asked[0] == 500 and json.loads(asked[1])["error"] == "There was a problem proxying the request"


@pytest.fixture
def authority_file(tmp_path: Path) -> str:
    file = tmp_path / "authority.pem"
    file.write_bytes(AUTHORITY.cert_pem.bytes())
    return str(file)


def test_an_upstream_must_be_trusted(plain: Gateway, authority_file: str) -> None:
    with Upstream(script, showing(AUTHORITY.issue_cert("127.0.0.1"))) as upstream:
        assert failed(ask_of(plain, upstream))
        assert ask_of(plain, upstream, proxy={"transport": {"ssl_ca_file": authority_file}}) == (200, "plain")
        assert ask_of(plain, upstream, proxy={"transport": {"ssl_insecure_skip_verify": True}}) == (200, "plain")
    with Upstream(script, showing(STRANGER.issue_cert("127.0.0.1"))) as upstream:
        assert failed(ask_of(plain, upstream, proxy={"transport": {"ssl_ca_file": authority_file}}))


def test_an_upstream_must_have_the_name(plain: Gateway, authority_file: str) -> None:
    with Upstream(script, showing(AUTHORITY.issue_cert("other.test"))) as upstream:
        assert failed(ask_of(plain, upstream, proxy={"transport": {"ssl_ca_file": authority_file}}))


def test_an_upstream_may_want_a_certificate(plain: Gateway, tmp_path: Path, authority_file: str) -> None:
    own = tmp_path / "own.pem"
    own.write_bytes(AUTHORITY.issue_cert("gateway.test").private_key_and_cert_chain_pem.bytes())
    trusted = {"transport": {"ssl_ca_file": authority_file}}
    with Upstream(script, showing(AUTHORITY.issue_cert("127.0.0.1"), clients=AUTHORITY)) as upstream:
        assert failed(ask_of(plain, upstream, proxy=trusted))
        named = {f"127.0.0.1:{upstream.port}": str(own)}
        assert ask_of(plain, upstream, proxy=trusted, upstream_certificates=named) == (200, "plain")


def test_large_answers_over_tls(plain: Gateway, authority_file: str) -> None:
    body = bytes(range(256)) * 20_000
    with Upstream(lambda wire, one: large(wire, one, body), showing(AUTHORITY.issue_cert("127.0.0.1"))) as upstream:
        plain.write_api(api("/s/", upstream.url, proxy={"transport": {"ssl_ca_file": authority_file}}))
        plain.reload()
        for _ in range(3):
            assert plain.ask(get("/s/x")).body == body


def large(wire: Wire, upstream: Upstream, body: bytes) -> None:
    while True:
        upstream.take(wire)
        wire.send(answer(body))
