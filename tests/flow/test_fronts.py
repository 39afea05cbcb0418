"""`sluicegate lb`: real balancers take what it prints, and do with it what they should, in front of two nodes."""

from __future__ import annotations

import json
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.balancers import PROGRAMS, Balancer, lb
from tests.gateway import Gateway, api, until
from tests.tls_gateway import AUTHORITY, TlsGateway
from tests.upstreams import Upstream, answer
from tests.wire import Message, Wire, get, request

BOTH = {"a", "b"}

# The example of RFC 6455 section 1.3: some balancers look whether key and answer fit.
UPGRADE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
UPGRADE += ("Sec-WebSocket-Version: 13",)
SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


class Stage:
    """An upstream script that says which node asked, and holds `/held` and the rest of `/stream` until let go."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: list[bytes] = []
        self.holding = threading.Semaphore(0)
        self.gone = threading.Event()

    def __call__(self, wire: Wire, upstream: Upstream) -> None:
        while True:
            message = upstream.take(wire)
            self.asked.append(message.target)
            if message.get(b"upgrade"):
                wire.send(SWITCHING)
                wire.send(wire.read(4)[::-1])
                return
            if message.target == b"/stream":
                wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
                wire.send(b"5\r\nfirst\r\n")
                assert self.gone.wait(20)
                wire.send(b"4\r\nlast\r\n0\r\n\r\n")
                continue
            if message.target == b"/held":
                self.holding.release()
                assert self.gone.wait(20)
            fields = {name.decode().lower(): value.decode() for name, value in message.fields}
            document = {"node": self.name, "fields": fields, "body": message.body.decode()}
            wire.send(answer(json.dumps(document).encode(), b"Content-Type: application/json"))


class BehindBalancer(Gateway):
    """A gateway that believes nobody who does not say who the client is."""

    def raw(self, *, port: int | None = None, tls: ssl.SSLContext | None = None, name: str | None = None) -> Wire:
        wire = super().raw(port=port, tls=tls, name=name)
        wire.send(b"PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\n")
        return wire


class Pair:
    """Two nodes, `a` and `b`, each with an upstream of its own."""

    def __init__(self, folder: Path, kind: type[Gateway] = Gateway, **conf: Any) -> None:
        self.stages = [Stage(name) for name in "ab"]
        self.stack = ExitStack()
        self.gateways = []
        for stage in self.stages:
            upstream = self.stack.enter_context(Upstream(stage))
            (place := folder / stage.name).mkdir()
            gateway = kind(place, apis=[api("/s/", upstream.url)], conf=conf)
            self.gateways.append(gateway)

    def __enter__(self) -> Pair:
        for gateway in self.gateways:
            self.stack.enter_context(gateway)
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()
        self.stack.close()

    def ports(self, *weights: int) -> list[str]:
        ports = [str(gateway.port) for gateway in self.gateways]
        return [f"{port}={weight}" for port, weight in zip(ports, weights, strict=True)] if weights else ports

    def let_go(self) -> None:
        for stage in self.stages:
            stage.gone.set()

    def hold_again(self) -> None:
        for stage in self.stages:
            stage.gone.clear()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with Pair(tmp_path_factory.mktemp("pair")) as pair:
        yield pair


def said(message: Message) -> dict[str, Any]:
    assert message.status == 200, message
    document: dict[str, Any] = json.loads(message.body)
    return document


def node_of(front: Balancer, client: str = "127.0.0.1") -> str:
    return str(said(front.ask(get("/s/x"), client))["node"])


def await_both(front: Balancer) -> None:
    """Wait until both nodes are taken to be well: a balancer's first checks take a moment."""
    seen: set[str] = set()

    def both() -> bool:
        message = front.ask(get("/s/x"), f"127.0.1.{len(seen) + 1}")
        if message.status == 200:
            seen.add(said(message)["node"])
        return seen == BOTH

    until(both, "both nodes get requests")


def see_it_stream(pair: Pair, front: Balancer, kept: Wire) -> None:
    """Answers come through in pieces, and connections may change their protocol. `pair` has to hold."""
    kept.send(get("/s/stream"))
    assert kept.read_head().status == 200
    assert kept.read_chunk() == b"first", "pieces are passed on as they come"
    pair.let_go()
    assert kept.read_chunk() == b"last"

    with front.raw() as upgraded:
        upgraded.send(get("/s/ws", *UPGRADE))
        assert upgraded.read_head().status == 101
        upgraded.send(b"ping")
        assert upgraded.read(4) == b"gnip"


@pytest.mark.parametrize("program", PROGRAMS)
def test_round_robin_shares_evenly(pair: Pair, tmp_path: Path, program: str) -> None:
    with Balancer(tmp_path, program, pair.ports(), "--algorithm", "round_robin") as front:
        await_both(front)
        shares = Counter(node_of(front) for _ in range(40))
        assert shares["a"] == pytest.approx(20, abs=1)


@pytest.mark.parametrize("program", PROGRAMS)
def test_weights_are_shares(pair: Pair, tmp_path: Path, program: str) -> None:
    with Balancer(tmp_path, program, pair.ports(3, 1)) as front:
        await_both(front)
        shares = Counter(node_of(front) for _ in range(40))
        assert shares["a"] == pytest.approx(30, abs=2)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_client_stays_with_its_node(pair: Pair, tmp_path: Path, program: str) -> None:
    with Balancer(tmp_path, program, pair.ports(), "--algorithm", "ip_hash") as front:
        clients = [f"127.0.0.{number}" for number in range(1, 31)]
        until(lambda: {node_of(front, client) for client in clients} == BOTH, "both nodes get clients")
        first = {client: node_of(front, client) for client in clients}
        assert first == {client: node_of(front, client) for client in clients}
        assert min(Counter(first.values()).values()) >= 5


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_least_busy_node_is_next(pair: Pair, tmp_path: Path, program: str) -> None:
    pair.hold_again()
    with Balancer(tmp_path, program, pair.ports(), "--algorithm", "least_conn") as front, front.raw() as busy:
        await_both(front)
        busy.send(get("/s/held"))
        until(lambda: any(stage.holding.acquire(blocking=False) for stage in pair.stages))
        # A balancer of several processes or threads may give an answer before all of it takes that request for done: to
        # the next request both nodes then look equally busy. By turns, none would ever get eight one after the other.
        in_a_row: set[str] = until(
            lambda: len(nodes := {node_of(front) for _ in range(8)}) == 1 and nodes, "one of them"
        )
        pair.let_go()
        assert in_a_row == BOTH - {said(busy.read_answer())["node"]}


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_a_node_has_to_know_gets_through(pair: Pair, tmp_path: Path, program: str) -> None:
    pair.hold_again()
    with Balancer(tmp_path, program, pair.ports()) as front, front.raw() as kept:
        await_both(front)
        told = said(kept.ask(get("/s/x", "X-Real-IP: 9.9.9.9", "X-Forwarded-Proto: https", "api_key: k")))["fields"]
        assert told["x-real-ip"] == "127.0.0.1"
        assert told["x-forwarded-proto"] == "http"
        assert told["x-forwarded-for"].startswith("127.0.0.1")
        assert told["api_key"] == "k"
        assert said(kept.ask(request("POST", "/s/x", body=b"posted")))["body"] == "posted"

        see_it_stream(pair, front, kept)


@pytest.mark.parametrize("program", ["nginx", "haproxy"])
def test_the_proxy_protocol_names_the_client(pair: Pair, tmp_path: Path, program: str) -> None:
    with Balancer(tmp_path, program, pair.ports(), "--accept-proxy") as front, front.raw() as client:
        client.send(b"PROXY TCP4 203.0.113.7 127.0.0.1 4711 80\r\n")
        told = said(client.ask(get("/s/x")))["fields"]
        assert told["x-real-ip"] == "203.0.113.7"
        assert told["x-forwarded-for"].startswith("203.0.113.7")


def test_haproxy_speaks_the_proxy_protocol_to_nodes(tmp_path: Path) -> None:
    with (
        Pair(tmp_path, BehindBalancer, sluicegate={"proxy_protocol": True}) as pair,
        Balancer(tmp_path, "haproxy", pair.ports(), "--send-proxy") as front,
    ):
        await_both(front)
        told = said(front.ask(get("/s/x"), "127.0.0.9"))["fields"]
        assert told["x-forwarded-for"] == "127.0.0.9, 127.0.0.9"


NAME = "node.test"


@pytest.fixture(scope="module")
def tls_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two nodes that listen with TLS, with certificates for one name."""
    folder = tmp_path_factory.mktemp("tls-pair")
    own = folder / "own.pem"
    own.write_bytes(AUTHORITY.issue_cert(NAME, "one.test").private_key_and_cert_chain_pem.bytes())
    options = {"use_ssl": True, "ssl_certificates": [str(own)]}
    with Pair(folder, TlsGateway, http_server_options=options) as pair:
        yield pair


def authority_file(folder: Path, authority: trustme.CA = AUTHORITY) -> str:
    file = folder / "authority.pem"
    file.write_bytes(authority.cert_pem.bytes())
    return str(file)


@pytest.mark.parametrize("program", PROGRAMS)
def test_nodes_that_listen_with_tls(tls_pair: Pair, tmp_path: Path, program: str) -> None:
    tls_pair.hold_again()
    options = ("--ca", authority_file(tmp_path), "--server-name", NAME)
    with Balancer(tmp_path, program, tls_pair.ports(), *options, scheme="https") as front, front.raw() as kept:
        await_both(front)
        assert said(kept.ask(request("POST", "/s/x", body=b"posted")))["body"] == "posted"
        assert said(kept.ask(get("/s/x")))["fields"]["x-real-ip"] == "127.0.0.1"
        see_it_stream(tls_pair, front, kept)


@pytest.mark.parametrize("wrong", ["authority", "name"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_node_whose_certificate_is_not_right_gets_nothing(
    tls_pair: Pair, tmp_path: Path, program: str, wrong: str
) -> None:
    ca = authority_file(tmp_path, trustme.CA() if wrong == "authority" else AUTHORITY)
    options = ("--ca", ca, "--server-name", "other.test" if wrong == "name" else NAME)
    before = [len(stage.asked) for stage in tls_pair.stages]
    with Balancer(tmp_path, program, tls_pair.ports(), *options, scheme="https") as front:
        until(lambda: front.ask(get("/s/x")).status in (502, 503))
        assert front.ask(get("/s/x")).status in (502, 503)
    assert [len(stage.asked) for stage in tls_pair.stages] == before


@pytest.mark.parametrize("program", PROGRAMS)
def test_certificates_that_are_not_looked_at(tls_pair: Pair, tmp_path: Path, program: str) -> None:
    options = ("--no-verify", "--server-name", "other.test")
    with Balancer(tmp_path, program, tls_pair.ports(), *options, scheme="https") as front:
        await_both(front)


def test_nodes_that_are_there_say_that_they_listen_with_tls(tls_pair: Pair) -> None:
    gateway = tls_pair.gateways[0]
    text = lb("haproxy", "--conf", str(gateway.conf_file), "--server-name", NAME)
    assert f"server node-1 127.0.0.1:{gateway.port} sni str({NAME})" in text
    assert "ssl check-ssl verify required" in text


@pytest.mark.parametrize("program", ["haproxy", "caddy"])
def test_a_node_with_tls_that_drains_is_left(tmp_path: Path, program: str) -> None:
    own = tmp_path / "own.pem"
    own.write_bytes(AUTHORITY.issue_cert(NAME, "one.test").private_key_and_cert_chain_pem.bytes())
    conf = {
        "http_server_options": {"use_ssl": True, "ssl_certificates": [str(own)]},
        "graceful_shutdown_delay_seconds": 5,
    }
    options = ("--ca", authority_file(tmp_path), "--server-name", NAME)
    with (
        Pair(tmp_path, TlsGateway, **conf) as pair,
        Balancer(tmp_path, program, pair.ports(), *options, scheme="https") as front,
    ):
        await_both(front)
        process = pair.gateways[0].process
        assert process is not None
        process.terminate()
        until(lambda: {node_of(front) for _ in range(8)} == {"b"}, "checks over TLS have seen it")
        assert process.poll() is None, "it was left before it closed"
