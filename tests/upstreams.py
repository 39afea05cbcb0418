"""Upstreams for tests: real servers on ports of their own, that answer well or misbehave byte for byte.

with Upstream() as upstream:                       # answers every request with 200 and what it was sent
with Upstream(answering(b"HTTP/1.1 200 OK\\r\\n\\r\\n")) as upstream:
with Upstream(script) as upstream:                 # script(wire, upstream) runs once for each connection
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.wire import PATIENCE_S, ClosedError, Message, Wire

Script = Callable[[Wire, "Upstream"], None]


@dataclass(eq=False)
class Upstream:
    """A server in a thread; each connection has a thread of its own.

    script:      what it does with a connection, until it returns; then the connection is closed.
    requests:    all that were taken with `take`, in order, over all connections.
    connections: how many were accepted.
    name:        what `echo` says it is.
    """

    script: Script | None = None
    tls: ssl.SSLContext | None = None
    name: str = "upstream"
    requests: list[Message] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self.changed = threading.Condition()
        self.wires: set[Wire] = set()
        self.failure: BaseException | None = None
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self.listening.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Upstream:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self.failure is not None:
            raise self.failure

    def stop(self) -> None:
        """Accept nothing more, and cut what is open."""
        with contextlib.suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.thread.join()
        for wire in list(self.wires):
            with contextlib.suppress(OSError):
                wire.sock.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listening.accept()
            except OSError:
                return
            with self.changed:
                self.connections += 1
                self.changed.notify_all()
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            sock.settimeout(PATIENCE_S)
            wire = Wire(self.tls.wrap_socket(sock, server_side=True) if self.tls else sock)
        except OSError:
            sock.close()
            return
        self.wires.add(wire)
        try:
            (self.script or echo)(wire, self)
        except (OSError, ClosedError):
            pass  # the gateway may hang up at any time; a test that minds looks at what it got
        except BaseException as error:
            self.failure = error
        finally:
            self.wires.discard(wire)
            wire.close()

    # -- for scripts

    def take(self, wire: Wire) -> Message:
        """Read a request and remember it."""
        message = wire.read_request()
        self.note(message)
        return message

    def note(self, message: Message) -> None:
        """Remember a request, or the head of one."""
        with self.changed:
            self.requests.append(message)
            self.changed.notify_all()

    # -- for tests

    def await_requests(self, count: int) -> list[Message]:
        """Wait until so many requests have come, and return all."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.requests) >= count, PATIENCE_S), self.requests
            return list(self.requests)


def echo(wire: Wire, upstream: Upstream) -> None:
    """Answer each request with 200 and a JSON text of what it was: name, method, target, headers, body."""
    while True:
        message = upstream.take(wire)
        told = {
            "name": upstream.name,
            "method": message.method.decode(),
            "target": message.target.decode(),
            "headers": {name.decode().lower(): value.decode("latin-1") for name, value in message.fields},
            "body": message.body.decode("latin-1"),
        }
        wire.send(answer(json.dumps(told).encode(), b"Content-Type: application/json"))


def answering(*answers: bytes) -> Script:
    """Return a script that gives these answers in turn, the last one for ever."""

    def script(wire: Wire, upstream: Upstream) -> None:
        while True:
            upstream.take(wire)
            wire.send(answers[min(len(upstream.requests), len(answers)) - 1])

    return script


def closing_after(data: bytes) -> Script:
    """Return a script that answers with these bytes and closes."""

    def script(wire: Wire, upstream: Upstream) -> None:
        upstream.take(wire)
        wire.send(data)

    return script


def answer(body: bytes = b"", *fields: bytes, status: bytes = b"200 OK") -> bytes:
    """Return an answer with a Content-Length."""
    lines = [b"HTTP/1.1 " + status, *fields, b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*lines, b"", body])
