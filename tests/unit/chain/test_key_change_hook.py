"""Notifications of new OAuth tokens, to a real server: contract 08.5."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sluicegate.chain import key_change_hook
from sluicegate.chain.key_change_hook import KeyChangeHook


class Server:
    """Answers each request with the next of some statuses; the last one repeats."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.requests: asyncio.Queue[bytes] = asyncio.Queue()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
        self.requests.put_nowait(head + await reader.readexactly(length))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        writer.write(b"HTTP/1.1 %d Whatever\r\nContent-Length: 0\r\n\r\n" % status)
        writer.close()


@asynccontextmanager
async def serving(*statuses: int) -> AsyncIterator[Server]:
    server = Server(*statuses)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listening:
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/hook?a=b"
        yield server


@pytest.fixture
def logged() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def log(logged: list[dict[str, Any]]) -> Callable[..., None]:
    return lambda _level, message, **fields: logged.append({"message": message, **fields})


async def wait_for(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not met():  # noqa: ASYNC110 - of a test, and the condition has no event
            await asyncio.sleep(0.005)


def within_10_s(waiting: Awaitable[Any]) -> Awaitable[Any]:
    return asyncio.wait_for(waiting, 10)


async def test_it_is_posted_with_the_secret(log: Callable[..., None], logged: list[dict[str, Any]]) -> None:
    async with serving(200) as server:
        KeyChangeHook().send(server.url, "shared", b'{"a":1}', log)
        request = await within_10_s(server.requests.get())
    head, _, body = request.partition(b"\r\n\r\n")
    assert body == b'{"a":1}'
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /hook?a=b HTTP/1.1"
    assert {b"X-Tyk-Shared-Secret: shared", b"User-Agent: Tyk-Gatewy-Notifications"} <= set(lines)
    assert b"Content-Type: application/json" in lines
    assert logged == []


async def test_an_address_that_fails_is_asked_again(log: Callable[..., None], logged: list[dict[str, Any]]) -> None:
    async with serving(500, 200) as server:
        KeyChangeHook(retry_s=0.01).send(server.url, "", b"{}", log)
        for _ in range(2):
            await within_10_s(server.requests.get())
    assert logged == []


async def test_not_for_ever(log: Callable[..., None], logged: list[dict[str, Any]]) -> None:
    async with serving(503) as server:
        KeyChangeHook(retry_s=0.01).send(server.url, "", b"{}", log)
        await wait_for(lambda: bool(logged))
        assert server.requests.qsize() == key_change_hook.ATTEMPTS
    assert logged == [{"message": "OAuth notification was not delivered", "prefix": "oauth", "reason": "status 503"}]


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("ftp://127.0.0.1/", ""),
        ("nothing", ""),
        ("http://127.0.0.1:99999/", ""),
        ("http://127.0.0.1:1/", ""),
        ("http://127.0.0.1:1/", "a\r\nX-Other: b"),
        ("http://127.0.0.1:1/a b", ""),
    ],
)
async def test_what_cannot_be_reached_is_told(
    url: str, secret: str, log: Callable[..., None], logged: list[dict[str, Any]]
) -> None:
    KeyChangeHook(retry_s=0.0).send(url, secret, b"{}", log)
    await wait_for(lambda: bool(logged))
    assert logged[0]["message"] == "OAuth notification was not delivered" and logged[0]["reason"]


async def test_only_so_many_wait(
    monkeypatch: pytest.MonkeyPatch, log: Callable[..., None], logged: list[dict[str, Any]]
) -> None:
    monkeypatch.setattr(key_change_hook, "MOST_WAITING", 3)
    async with serving(200) as server:
        hook = KeyChangeHook()
        for _ in range(5):
            hook.send(server.url, "", b"{}", log)
        assert [one["message"] for one in logged] == ["OAuth notifications are lost: too many wait"]
        for _ in range(3):
            await within_10_s(server.requests.get())
        assert server.requests.empty()
        await wait_for(lambda: not hook._tasks)
        hook.send(server.url, "", b"{}", log)
        await within_10_s(server.requests.get())
