"""The way into a TLS port when there is no room."""

from __future__ import annotations

import asyncio
import errno
import socket

import pytest

from sluicegate.listener import doorway as doorway_module
from sluicegate.listener.doorway import Doorway
from sluicegate.wire.proxy_protocol import Address


class Crowded:
    """A listening socket that has no room for a while, as the kernel says it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.tried, self.has_room = sock, 0, False

    def fileno(self) -> int:
        return self.sock.fileno()

    def accept(self) -> tuple[socket.socket, object]:
        self.tried += 1
        if not self.has_room:
            raise OSError(errno.EMFILE, "Too many open files")
        return self.sock.accept()

    def close(self) -> None:
        self.sock.close()


async def test_without_room_clients_wait_and_nothing_spins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway_module, "PAUSE_S", 0.05)
    came: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()

    async def admit(sock: socket.socket, source: Address | None, name: str | None) -> None:
        came.set_result(sock)

    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    crowded = Crowded(sock)
    door = Doorway(
        asyncio.get_running_loop(),
        crowded,  # type: ignore[arg-type]
        admit,
        proxy_protocol=False,
        asks_name=lambda: False,
        limit_s=5,
        most=5,
    )
    with socket.create_connection(sock.getsockname()):
        turns = 0
        async with asyncio.timeout(5):
            while crowded.tried < 3:
                await asyncio.sleep(0)
                turns += 1
            assert turns > crowded.tried
            crowded.has_room = True
            (await came).close()
    door.close()
