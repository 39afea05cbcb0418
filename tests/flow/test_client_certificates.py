"""Client certificates towards a real gateway: who is asked, who gets in, and what follows the store."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme
from tests.gateway import KEYED, PATIENCE_S, SESSION, Gateway, api
from tests.tls_gateway import AUTHORITY, TlsGateway, client
from tests.upstreams import Upstream
from tests.wire import Wire, get

LISTED, OTHER = AUTHORITY.issue_cert("listed.test"), AUTHORITY.issue_cert("other.test")
ALL, SOME = "all.test", "some.test"


def pem(cert: trustme.LeafCert) -> bytes:
    return cert.cert_chain_pems[0].bytes()


class SomeGateway(TlsGateway):
    """Clients that do not say another name ask for the domain where certificates are only asked for."""

    name = SOME
    stored = ""


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SomeGateway]:
    folder = tmp_path_factory.mktemp("gateway")
    own = folder / "own.pem"
    own.write_bytes(AUTHORITY.issue_cert(ALL, SOME).private_key_and_cert_chain_pem.bytes())
    conf = {
        "http_server_options": {"use_ssl": True, "ssl_certificates": [str(own)]},
        "sluicegate": {"header_timeout_s": 3},
        "hash_keys": False,
    }
    with SomeGateway(folder, conf=conf, workers=2) as one:
        one.stored = one.admin("POST", "/tyk/certs?org_id=org", pem(LISTED))[1]["id"]
        wants = {"use_mutual_tls_auth": True, "client_certificates": [one.stored]}
        for definition in (
            api("/all/", upstream.url, domain=ALL, **wants),
            api("/some/", upstream.url, domain=SOME, **wants),
            api("/keyed/", upstream.url, domain=SOME, **KEYED, **wants),
            api("/open/", upstream.url, domain=SOME),
        ):
            one.write_api(definition)
        assert one.admin("GET", "/tyk/reload/?block=true")[0] == 200
        yield one


@pytest.mark.parametrize(
    ("cert", "name", "path", "expected"),
    [
        (LISTED, ALL, "/all/x", (200, "")),
        (None, ALL, "/all/x", (0, "")),
        (OTHER, ALL, "/all/x", (0, "")),
        (LISTED, SOME, "/some/x", (200, "")),
        (None, SOME, "/some/x", (403, "Client TLS certificate is required")),
        (OTHER, SOME, "/some/x", (0, "")),
        (None, SOME, "/open/x", (200, "")),
    ],
)
def test_who_gets_in(
    gateway: SomeGateway, cert: trustme.LeafCert | None, name: str, path: str, expected: tuple[int, str]
) -> None:
    assert {gateway.ask_as(cert, name, path) for _ in range(6)} == {expected}


def test_the_name_of_the_handshake_opens_no_other_domain(gateway: SomeGateway) -> None:
    with gateway.raw(name=SOME) as wire:
        assert wire.ask(get("/all/x", host=ALL)).status == 403


def test_a_key_that_is_bound_to_a_certificate(gateway: SomeGateway) -> None:
    rights = {"keyed": {"api_id": "keyed", "versions": ["Default"]}}
    bound = {**SESSION, "access_rights": rights, "mtls_static_certificate_bindings": [gateway.stored]}
    status, made = gateway.admin("POST", "/tyk/keys/create", bound)
    assert status == 200, made
    shown = f"Authorization: {made['key']}"
    assert gateway.ask_as(LISTED, SOME, "/keyed/x", shown) == (200, "")
    assert gateway.ask_as(None, SOME, "/keyed/x", shown)[0] == 403
    other_id = gateway.admin("POST", "/tyk/certs?org_id=org", pem(OTHER))[1]["id"]
    bound["mtls_static_certificate_bindings"] = [other_id]
    other = gateway.admin("POST", "/tyk/keys/create", bound)[1]["key"]
    mismatch = (401, "Access to this API has been disallowed")
    assert gateway.ask_as(LISTED, SOME, "/keyed/x", f"Authorization: {other}") == mismatch


def test_a_certificate_that_is_removed_lets_nobody_in_any_more(gateway: SomeGateway) -> None:
    stored = gateway.stored
    with gateway.raw(tls=client(LISTED), name=SOME) as open_before:
        assert open_before.ask(get("/some/x", host=SOME)).status == 200
        assert gateway.admin("DELETE", f"/tyk/certs/{stored}")[0] == 200
        try:
            assert open_before.ask(get("/some/x", host=SOME)).status == 403
            for name, path in ((ALL, "/all/x"), (SOME, "/some/x")):
                assert {gateway.ask_as(LISTED, name, path) for _ in range(6)} == {(0, "")}
        finally:
            gateway.admin("POST", "/tyk/certs?org_id=org", pem(LISTED))
        assert {gateway.ask_as(LISTED, ALL, "/all/x") for _ in range(6)} == {(200, "")}
        assert open_before.ask(get("/some/x", host=SOME)).status == 200


def first_message(name: str) -> bytes:
    context, outgoing = client(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


def test_a_first_message_in_pieces(gateway: SomeGateway) -> None:
    message = first_message(ALL)
    with Gateway.raw(gateway) as wire:
        for at in range(0, len(message), 100):
            wire.send(message[at : at + 100])
            time.sleep(0.005)  # so that they are pieces, and not one again
        assert wire.sock.recv(1) == b"\x16"


def test_a_first_message_that_never_ends(gateway: SomeGateway) -> None:
    with ExitStack() as stack:
        wires = [stack.enter_context(Gateway.raw(gateway)) for _ in range(3)]
        for wire, begun in zip(wires, (b"", b"\x16", b"\x16\x03\x01\x02\x00 and no more"), strict=True):
            wire.send(begun)
        began, used = time.monotonic(), processor_s(gateway)
        assert all(wire.is_closed() for wire in wires)
        assert time.monotonic() - began < PATIENCE_S / 2
        assert processor_s(gateway) - used < 0.5, "they are waited for without looking again and again"


def test_noise_instead_of_a_handshake(gateway: SomeGateway) -> None:
    for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", bytes(range(200))):
        with Gateway.raw(gateway) as wire:
            wire.send(noise)
            wire.read_to_end()
    assert gateway.ask_as(LISTED, ALL, "/all/x") == (200, "")


def processor_s(gateway: Gateway) -> float:
    """Return what the workers have used of the processor."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in gateway.worker_pids()]
    return sum(int(one[11]) + int(one[12]) for one in fields) / 100


def test_behind_a_balancer(upstream: Upstream, tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_bytes(AUTHORITY.issue_cert(SOME).private_key_and_cert_chain_pem.bytes())
    definition = api("/a/", upstream.url, use_mutual_tls_auth=True, client_certificates=[pem(LISTED).decode()])
    conf = {
        "http_server_options": {"use_ssl": True, "ssl_certificates": [str(own)]},
        "sluicegate": {"proxy_protocol": True},
    }
    with Proxied(tmp_path, apis=[definition], conf=conf) as gateway:
        assert gateway.ask_as(LISTED, SOME, "/a/x") == (200, "")
        assert gateway.ask_as(None, SOME, "/a/x") == (403, "Client TLS certificate is required")


class Proxied(SomeGateway):
    """A gateway that wants a PROXY header first."""

    def raw(self, *, port: int | None = None, tls: ssl.SSLContext | None = None, name: str | None = None) -> Wire:
        wire = Gateway.raw(self, port=port)
        wire.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")
        return Wire((tls or client()).wrap_socket(wire.sock, server_hostname=name or SOME))
