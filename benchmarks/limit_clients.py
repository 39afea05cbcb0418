"""Clients that ask several nodes with one key, as fast as they can, and count who was refused."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import uvloop

REFUSED = (b"429", b"403")
ADMITTED = b"200"
ASKING_S = 15.0
"""Nobody asks for longer, so that a window of 20 s is not left."""
CONNECTING = 100
"""So many connections are made at once, before anybody asks: more than the kernel keeps in a queue are dropped."""
QUIET_S = 5.0
"""When nobody is answered for so long, those who wait do so for their turn."""


@dataclass(slots=True)
class Count:
    """What came of it. `asked - refused` were admitted, whether they had their turn yet or not."""

    asked: int = 0
    refused: int = 0
    asked_at: float = 0.0
    answered_at: float = field(default_factory=time.monotonic)


def admitted(ports: Sequence[int], path: str, key: str, clients: int, requests: int) -> tuple[int, float]:
    """Return how many are admitted, of so many requests to each node by so many clients at once.

    Also returns the seconds between the first request and the last. Raises RuntimeError when a node answers what is
    neither yes nor no.
    """
    return uvloop.run(_ask_all(ports, path, key, clients, requests))


async def _ask_all(ports: Sequence[int], path: str, key: str, clients: int, requests: int) -> tuple[int, float]:
    data = f"GET {path} HTTP/1.1\r\nHost: nodes\r\nAuthorization: {key}\r\n\r\n".encode()
    gate = asyncio.Semaphore(CONNECTING)
    lines = await asyncio.gather(*(_connect(port, gate) for port in ports for _ in range(clients)))
    counts = [Count() for _ in ports]
    counted = [count for count in counts for _ in range(clients)]
    asking = [
        asyncio.ensure_future(_client(*line, data, count, requests)) for line, count in zip(lines, counted, strict=True)
    ]
    began = answered_at = time.monotonic()
    while any(not one.done() for one in asking) and time.monotonic() < answered_at + QUIET_S:
        await asyncio.wait(asking, timeout=0.2)
        answered_at = max(count.answered_at for count in counts)
    for one in asking:
        one.cancel()
    for outcome in await asyncio.gather(*asking, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
    return sum(count.asked - count.refused for count in counts), max(count.asked_at for count in counts) - began


async def _connect(port: int, gate: asyncio.Semaphore) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with gate:
        return await asyncio.open_connection("127.0.0.1", port)


async def _client(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes, count: Count, most: int
) -> None:
    """Ask a node, one request after the other, until it was asked for all."""
    ends = time.monotonic() + ASKING_S
    with contextlib.closing(writer):
        while count.asked < most and time.monotonic() < ends:
            count.asked, count.asked_at = count.asked + 1, time.monotonic()
            writer.write(data)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0]))
            count.answered_at = time.monotonic()
            status = head[9:12]
            if status in REFUSED:
                count.refused += 1
            elif status != ADMITTED:
                raise RuntimeError(head.decode())
