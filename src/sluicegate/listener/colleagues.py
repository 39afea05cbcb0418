"""A worker's end of the channel: has all workers do something together, and does what the others ask for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sluicegate.listener.channel import (
    Answer,
    Ask,
    AskPage,
    Do,
    Done,
    Drain,
    Message,
    MessageReader,
    Ready,
    Remember,
    encode,
)

Deed = Callable[[bytes], Awaitable[None]]
"""What a worker does when it is asked to, by an argument. It raises to say that it failed."""


class NotDoneError(Exception):
    """Some worker could not do what was asked of all; the text says which and why."""


class Colleagues(asyncio.Protocol):
    """The supervisor and the other workers, as one worker sees them."""

    def __init__(
        self, deeds: Mapping[str, Deed], on_drain: Callable[[], None], on_orphaned: Callable[[], None]
    ) -> None:
        self.deeds, self.on_drain, self.on_orphaned = deeds, on_drain, on_orphaned
        self.transport: Any = None
        self.reader = MessageReader()
        self.waiting: dict[int, asyncio.Future[bytes]] = {}
        self.number = 0
        self.tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def join(
        cls,
        channel: socket.socket,
        deeds: Mapping[str, Deed],
        on_drain: Callable[[], None],
        on_orphaned: Callable[[], None],
    ) -> Colleagues:
        """Return the colleagues at the other end of a channel."""
        channel.setblocking(False)
        _, joined = await asyncio.get_running_loop().create_connection(
            lambda: cls(deeds, on_drain, on_orphaned), sock=channel
        )
        return joined

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        for future in self.waiting.values():
            if not future.done():
                future.set_exception(NotDoneError("the supervisor is gone"))
        self.on_orphaned()

    def data_received(self, data: bytes) -> None:
        for message in self.reader.feed(data):
            self.take(message)

    def take(self, message: Message) -> None:
        """Act on a message of the supervisor."""
        match message:
            case Do(number, what, argument):
                task = asyncio.get_running_loop().create_task(self.do(number, what, argument))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
            case Answer(number, error, data):
                future = self.waiting.pop(number, None)
                if future is not None and not future.done():
                    if error:
                        future.set_exception(NotDoneError(error))
                    else:
                        future.set_result(data)
            case Drain():
                self.on_drain()
            case _:
                raise ValueError(f"unexpected message {message!r}")

    async def do(self, number: int, what: str, argument: bytes) -> None:
        """Do what all workers are asked to."""
        try:
            await self.deeds[what](argument)
            error = ""
        except Exception as failure:
            error = str(failure) or repr(failure)
        self.send(Done(number, error))

    def send(self, message: Message) -> None:
        """Send a message to the supervisor."""
        if self.transport is not None:
            self.transport.write(encode(message))

    def say_ready(self) -> None:
        """This worker serves from now on."""
        self.send(Ready())

    def remember(self, changed: Mapping[bytes, bytes | None]) -> None:
        """Have the supervisor keep something for workers that are started later; None is forgotten."""
        self.send(Remember(dict(changed)))

    async def all_do(self, what: str, argument: bytes = b"") -> None:
        """Have every worker do something, this one included, and return when all have. Raises NotDoneError."""
        await self.ask(Ask(self.next_number(), what, argument))

    async def metrics_page(self) -> bytes:
        """Return the page of metrics over all workers. Raises NotDoneError."""
        return await self.ask(AskPage(self.next_number()))

    def next_number(self) -> int:
        """Return the number of the next question."""
        self.number += 1
        return self.number

    async def ask(self, message: Ask | AskPage) -> bytes:
        """Send a question and return its answer."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.waiting[message.number] = future
        self.send(message)
        return await future
