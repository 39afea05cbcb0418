"""Active health tests against real sockets: what counts as healthy, and when a host goes down and comes back."""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import trustme

from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition, HostCheckObject, UptimeTests, UptimeTestsConfig
from sluicegate.apidef.classic.proxy import CheckCommand
from sluicegate.errors import ConfigError
from sluicegate.settings import blocks
from sluicegate.settings.model import Settings
from sluicegate.upstream.health import HOST_DOWN, HOST_UP, HealthChecks, HealthEvent, HostHealth, read_checks
from sluicegate.upstream.probe import HealthCheck, probe
from sluicegate.upstream.resolve import Resolver
from sluicegate.upstream.tls import TlsOptions, UpstreamTls

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        writer.close()

    listening = await asyncio.start_server(guarded, "127.0.0.1", 0, ssl=tls)
    async with listening:
        yield f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"


class Http:
    """Answers with a status that can be changed, and keeps what it was sent."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.requests: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0)
        self.requests.append(head + await reader.readexactly(length))
        writer.write(b"HTTP/1.1 %d Whatever\r\nContent-Length: 0\r\n\r\n" % self.status)
        await writer.drain()


def settings(**config: Any) -> Settings:
    return Settings(uptime_tests=blocks.UptimeTests(config=blocks.UptimeTestsConfig(**config)))


def check(url: str, secure: ssl.SSLContext | None = None, node: Settings | None = None, **asked: Any) -> HealthCheck:
    tests = UptimeTests(check_list=[HostCheckObject(url=url, **asked)])
    api = Api(APIDefinition(api_id="a", uptime_tests=tests), source="a.json")

    def equip(target: Any) -> None:
        target.tls = secure

    (made,) = read_checks(api, node or Settings(), equip)
    return made


async def problem(one: HealthCheck) -> str:
    return (await probe(one, Resolver())).problem


async def test_http_is_healthy_with_200_only() -> None:
    http = Http()
    async with server(http) as host:
        assert await problem(check(f"http://{host}/health?deep=1")) == ""
        http.status = 204
        verdict = await probe(check(f"http://{host}/"), Resolver())
        assert (verdict.status, verdict.problem) == (204, "status 204")
    assert http.requests[0].startswith(b"GET /health?deep=1 HTTP/1.1\r\nHost: " + host.encode() + b"\r\n")
    assert b"\r\nConnection: close\r\n" in http.requests[0]


async def test_method_headers_and_body_are_sent() -> None:
    http = Http()
    async with server(http) as host:
        body = base64.b64encode(b"ping").decode()
        asked = check(f"http://{host}", method="POST", headers={"host": "other.test", "x-Probe": "1"}, body=body)
        assert await problem(asked) == ""
    (request,) = http.requests
    assert request.startswith(b"POST / HTTP/1.1\r\n")
    assert b"\r\nHost: other.test\r\nX-Probe: 1\r\n" in request
    assert request.endswith(b"\r\n\r\nping")


async def test_failures_are_told_apart() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async def not_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-x\r\n")

    async with server(silent) as host:
        assert await problem(check(f"http://{host}", timeout=50_000_000)) == "no answer within 0.05 s"
    assert "Connect call failed" in await problem(check(f"http://{host}"))
    async with server(closes) as host:
        assert await problem(check(f"http://{host}")) == "connection closed"
    async with server(not_http) as host:
        assert await problem(check(f"http://{host}")) == "the answer is not HTTP"


async def test_a_host_is_up_that_can_be_had_at_one_of_its_addresses() -> None:
    async def ask(name: str) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    async with server(Http()) as host:
        asked = check(f"http://a.test:{host.rpartition(':')[2]}/")
        assert (await probe(asked, Resolver(ask=ask))).problem == ""


async def test_tcp_sends_and_expects() -> None:
    async def redis(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline() == b"PING\r\n":
            writer.write(b"+PONG\r\n")
            await writer.drain()

    def talk(expected: str) -> list[CheckCommand]:
        return [CheckCommand(name="send", message="PING\r\n"), CheckCommand(name="expect", message=expected)]

    async with server(redis) as host:
        assert await problem(check(f"tcp://{host}")) == ""
        assert await problem(check(host, protocol="tcp", commands=talk("+PONG"))) == ""
        assert await problem(check(host, protocol="tcp", commands=talk("-PONG"))) == "expected message not received"
        assert await problem(check(host, protocol="tcp", commands=talk("+PONG and more"))) == "connection closed"


def secured() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return contexts of a server and of a client that trusts it."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    return tls, ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())


async def test_tls_is_verified() -> None:
    tls, client = secured()
    async with server(Http(), tls) as host:
        assert await problem(check(f"https://{host}/", client)) == ""
        system = UpstreamTls().context(TlsOptions(), "here")
        assert "certificate verify failed" in await problem(check(f"https://{host}/", system))


async def test_the_proxy_header_goes_before_tls() -> None:
    tls, client = secured()
    line = b""

    def behind_balancer(listening: socket.socket) -> None:
        nonlocal line
        plain, _ = listening.accept()
        with plain:
            while not line.endswith(b"\n"):
                line += plain.recv(1)
            with tls.wrap_socket(plain, server_side=True) as connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(asyncio.to_thread(behind_balancer, listening))
        port = listening.getsockname()[1]
        assert await problem(check(f"https://127.0.0.1:{port}/", client, enable_proxy_protocol=True)) == ""
        await serving
    assert re.fullmatch(rb"PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ %d\r\n" % port, line)


class Watch:
    """Health tests that run every few milliseconds, and what they told."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[HealthEvent] = asyncio.Queue()
        self.health = HostHealth()
        self.checks = HealthChecks(self.health, Resolver(), 10, self.events.put_nowait)

    async def next(self) -> str:
        return (await self.events.get()).name


def fast(one: HealthCheck) -> HealthCheck:
    return replace(one, interval_s=0.01, down_interval_s=0.01)


async def test_down_after_some_failures_and_up_after_as_many_successes() -> None:
    http, watch = Http(500), Watch()
    changes: list[set[str]] = []

    class Listener:
        def on_health(self) -> None:
            changes.append(set(watch.health.down))

    listener = Listener()
    watch.health.tell(listener)
    async with server(http) as host:
        watch.checks.replace([fast(check(f"http://{host}/", node=settings(failure_trigger_sample_size=2)))])
        assert await watch.next() == HOST_DOWN
        assert len(http.requests) == 2
        assert watch.health.down == {host}
        assert await watch.next() == HOST_DOWN, "told again at every further failure"
        http.status = 200
        before = len(http.requests)
        while (name := await watch.next()) == HOST_DOWN:
            before = len(http.requests)
        assert name == HOST_UP
        assert len(http.requests) == before + 2
        await watch.checks.close()
    assert changes == [{host}, set()]


async def test_a_reload_leaves_tests_that_stay_and_forgets_those_that_go() -> None:
    http, watch = Http(500), Watch()
    async with server(http) as host:
        one = fast(check(f"http://{host}/one", node=settings(failure_trigger_sample_size=1)))
        two = fast(check(f"http://{host}/two", node=settings(failure_trigger_sample_size=1)))
        watch.checks.replace([one, two])
        for _ in range(4):
            await watch.next()
        same = fast(check(f"http://{host}/one", node=settings(failure_trigger_sample_size=1)))
        watch.checks.replace([same])
        assert watch.health.down == {host}, "one of them still says so"
        watch.checks.replace([])
        assert watch.health.down == set()


def test_the_definition_and_the_settings_decide_when() -> None:
    tests = UptimeTests(check_list=[HostCheckObject(url="a.test", timeout=2)], config=UptimeTestsConfig(recheck_wait=3))
    (made,) = read_checks(Api(APIDefinition(uptime_tests=tests)), settings(time_wait=20), lambda _: None)
    assert (made.timeout_s, made.interval_s, made.down_interval_s, made.samples) == (2, 20, 3, 3)
    off = Settings(uptime_tests=blocks.UptimeTests(disable=True))
    assert read_checks(Api(APIDefinition(uptime_tests=tests)), off, lambda _: None) == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"url": "ftp://a"}, "url"),
        ({"url": "a", "body": "%"}, "body"),
        ({"url": "a", "method": "GET /"}, "method"),
        ({"url": "a", "headers": {"a b": "c"}}, "headers"),
        ({"url": "tcp://a:1", "commands": [CheckCommand(name="sleep")]}, "commands"),
    ],
)
def test_refuses(asked: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(**asked)
    assert caught.value.where == f"a.json: uptime_tests.check_list[0].{field}"
