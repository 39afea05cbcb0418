"""The PROXY protocol, versions 1 and 2: who the client is, says the balancer in front, before anything else."""

from __future__ import annotations

import ipaddress
import json
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from tests.gateway import Gateway, api
from tests.upstreams import Upstream
from tests.wire import Wire, get

V1 = b"PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\n"
V2_START = b"\r\n\r\n\x00\r\nQUIT\n"


def v2(source: str, *, more: bytes = b"") -> bytes:
    """Return a header of version 2."""
    address = ipaddress.ip_address(source)
    addresses = address.packed * 2 + struct.pack("!HH", 5000, 80) + more
    return V2_START + struct.pack("!BBH", 0x21, 0x11 if address.version == 4 else 0x21, len(addresses)) + addresses


class BehindBalancer(Gateway):
    """A gateway that believes nobody who does not say who the client is."""

    def raw(
        self,
        *,
        port: int | None = None,
        tls: ssl.SSLContext | None = None,
        name: str | None = None,
        line: bytes = V1,
    ) -> Wire:
        wire = super().raw(port=port)
        wire.send(line)
        return Wire(tls.wrap_socket(wire.sock, server_hostname=name)) if tls else wire


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BehindBalancer]:
    conf = {"sluicegate": {"proxy_protocol": True, "header_timeout_s": 3}}
    with BehindBalancer(tmp_path_factory.mktemp("gateway"), apis=[api("/a/", upstream.url)], conf=conf) as one:
        yield one


def seen(wire: Wire) -> str:
    """Return which client the upstream is told of."""
    found: str = json.loads(wire.ask(get("/a/x")).body)["headers"]["x-forwarded-for"]
    return found


@pytest.mark.parametrize(
    ("line", "client"),
    [
        (V1, "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 5000 80\r\n", "2001:db8::7"),
        (v2("192.0.2.7"), "192.0.2.7"),
        (v2("2001:db8::7"), "2001:db8::7"),
        (v2("192.0.2.7", more=b"\x04\x00\x03abc"), "192.0.2.7"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (V2_START + b"\x20\x00\x00\x00", "127.0.0.1"),
    ],
)
def test_who_the_client_is(gateway: BehindBalancer, line: bytes, client: str) -> None:
    with gateway.raw(line=line) as wire:
        assert seen(wire) == client
        assert seen(wire) == client


def test_it_may_come_in_pieces_or_with_more(gateway: BehindBalancer) -> None:
    with gateway.raw(line=b"") as wire:
        for at in range(len(V1)):
            wire.send(V1[at : at + 1])
        assert seen(wire) == "192.0.2.7"
    with gateway.raw(line=V1 + get("/a/x") * 2) as wire:
        assert [wire.read_answer().status for _ in range(2)] == [200, 200]


@pytest.mark.parametrize(
    "line",
    [get("/a/x"), b"PROXY TCP4 nonsense\r\n", b"PROXY " + b"a" * 200, V2_START + b"\x31\x11\x00\x0c" + bytes(12)],
)
def test_anything_else_is_cut_off(gateway: BehindBalancer, line: bytes) -> None:
    with gateway.raw(line=line) as wire:
        assert wire.is_closed()


def test_it_may_not_be_slow(gateway: BehindBalancer) -> None:
    with gateway.raw(line=b"PROXY ") as wire:
        assert wire.is_closed()


def test_it_goes_before_tls(upstream: Upstream, tmp_path: Path) -> None:
    authority = trustme.CA()
    shown = tmp_path / "one.pem"
    shown.write_bytes(authority.issue_cert("one.test").private_key_and_cert_chain_pem.bytes())
    conf = {
        "sluicegate": {"proxy_protocol": True, "header_timeout_s": 3},
        "http_server_options": {"use_ssl": True, "ssl_certificates": [str(shown)]},
    }
    trusting = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())

    class Secure(BehindBalancer):
        def is_ready(self) -> bool:
            try:
                with self.raw(tls=trusting, name="one.test") as wire:
                    return wire.ask(get("/ready")).status == 200
            except OSError:
                return False

    with Secure(tmp_path, apis=[api("/a/", upstream.url)], conf=conf) as gateway:
        for line, client in ((V1, "192.0.2.7"), (v2("2001:db8::7"), "2001:db8::7")):
            with gateway.raw(line=line, tls=trusting, name="one.test") as wire:
                assert seen(wire) == client
        with gateway.raw(line=b"nonsense\r\n") as wire:
            assert wire.is_closed()
        with gateway.raw(line=b"") as wire:
            assert wire.is_closed()
