"""A line to Redis that counts what passes."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

CHUNK_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Traffic:
    """What has passed: commands, and bytes each way."""

    commands: int
    sent: int
    received: int

    def since(self, before: Traffic) -> Traffic:
        """Return what has passed after an earlier count."""
        return Traffic(self.commands - before.commands, self.sent - before.sent, self.received - before.received)


class Commands:
    """Counts the commands in what a client sends: arrays of texts, each with its length (RESP)."""

    def __init__(self) -> None:
        self.count = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        self._rest += data
        while (end := self._rest.find(b"\r\n")) >= 0:
            line, whole = self._rest[:end], end + 2
            if line.startswith(b"*"):
                self.count += 1
            else:
                whole += int(line[1:]) + 2
                if len(self._rest) < whole:
                    return
            self._rest = self._rest[whole:]


class MeteredLine:
    """Passes bytes on between clients and a server, from a thread of its own."""

    def __init__(self, server_port: int) -> None:
        self._server_port, self.port = server_port, 0
        self._commands: list[Commands] = []
        self._sent = self._received = 0
        self._loop = asyncio.new_event_loop()
        self._ready, self._stopped = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        self._loop.close()

    @property
    def traffic(self) -> Traffic:
        """All that has passed so far."""
        return Traffic(sum(one.count for one in self._commands), self._sent, self._received)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopped.wait()
        server.close()

    async def _connect(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        redis, to_redis = await asyncio.open_connection("127.0.0.1", self._server_port)
        commands = Commands()
        self._commands.append(commands)

        def asked(data: bytes) -> None:
            commands.feed(data)
            self._sent += len(data)

        def answered(data: bytes) -> None:
            self._received += len(data)

        with contextlib.suppress(OSError):
            pumps = [_pump(client, to_redis, asked), _pump(redis, to_client, answered)]
            await asyncio.wait(map(asyncio.ensure_future, pumps), return_when=asyncio.FIRST_COMPLETED)
        to_client.close()
        to_redis.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[bytes], None]) -> None:
    while data := await reader.read(CHUNK_BYTES):
        count(data)
        writer.write(data)
        await writer.drain()
