"""Starting programs, waiting for them, and ending them."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from sluicegate.errors import SluicegateError

STOP_LIMIT_S = 15.0
START_LIMIT_S = 40.0
LOOK_S = 0.02
CALL_LIMIT_S = 10.0
SBIN = ":/usr/sbin:/sbin"
"""Where distributions keep servers, out of some users' path."""


OTHER_PORTS = range(10_000, 32_768)
"""Below those that Linux gives to outgoing connections, which could take a port away before its program listens."""


class NotStarted(SluicegateError):
    """A program did not do what it was started for; the text says which, with the end of its log."""


class Process:
    """A program, in a session of its own, so that Ctrl-C is not its to act on.

    log: file that it writes to.
    """

    def __init__(self, line: Sequence[str], log: Path, environ: Mapping[str, str] | None = None) -> None:
        self.line, self.log, self._environ = list(line), log, environ
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._running is not None and self._running.poll() is None

    def start(self) -> None:
        """Start it. Raises NotStarted when there is no such program."""
        environ = dict(os.environ) if self._environ is None else dict(self._environ)
        environ["PATH"] = environ.get("PATH", os.defpath) + SBIN
        with self.log.open("ab") as output, signals_held():
            try:
                self._running = subprocess.Popen(  # noqa: S603 - lines of ours
                    self.line, cwd=self.log.parent, env=environ, stdout=output, stderr=output, start_new_session=True
                )
            except OSError as error:
                raise NotStarted(f"{self.line[0]}: {error}") from None

    def wait_until(self, met: Callable[[], object], what: str) -> None:
        """Return when something about it is true. Raises NotStarted when it ends or takes too long."""
        limit = time.monotonic() + START_LIMIT_S
        while not met():
            if not self.is_running or time.monotonic() > limit:
                raise self.failure(what)
            time.sleep(LOOK_S)

    def wait(self) -> int:
        """Wait until it has ended, and return its exit status; it has to have been started."""
        assert self._running is not None
        return self._running.wait()

    def failure(self, what: str) -> NotStarted:
        """Return the error that it did something wrong, with the end of its log."""
        last = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
        return NotStarted(f"{Path(self.line[0]).name} {what}. The end of {self.log}:\n{last}")

    def stop(self) -> None:
        """Have it end in order, and wait for that."""
        self.resume()
        if self._running is not None and self.is_running:
            self._running.terminate()
            try:
                self._running.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it, and all that it has started, at once."""
        self._signal(signal.SIGKILL)
        if self._running is not None:
            self._running.wait()

    def pause(self) -> None:
        """Let it hang: connections stay open, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self._running is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._running.pid, number)


@contextmanager
def signals_held() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP wait until the end of this: amid a start, they would leave a program behind.

    They are not masked: what is started would inherit that.
    """
    if threading.current_thread() is not threading.main_thread():  # signals are acted on in the main thread alone
        yield
        return
    came: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        came.append(number)

    before = {one: signal.signal(one, hold) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    for number in came:
        signal.raise_signal(number)


def sluicegate() -> str:
    """Return the path of this program."""
    return str(Path(sys.executable).with_name("sluicegate"))


def free_ports(wanted: Sequence[int]) -> list[int]:
    """Return ports that nobody listens on: those wanted, or others in place of those that are taken or 0."""
    with ExitStack() as held:
        ports = []
        for port in wanted:
            probe = held.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            others = random.sample(OTHER_PORTS, 100)
            for candidate in [port or others[0], *others, 0]:
                with suppress(OSError):
                    probe.bind(("127.0.0.1", candidate))
                    break
            ports.append(int(probe.getsockname()[1]))
        return ports


def listens(port: int) -> bool:
    """Return whether somebody listens on a port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def call(url: str, headers: Mapping[str, str] | None = None, document: Any = None, method: str | None = None) -> Any:
    """Make a request, with a document as its JSON body, and return the JSON that is answered. Raises OSError."""
    body = None if document is None else json.dumps(document).encode()
    headers = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - http, of ours
    with urllib.request.urlopen(request, timeout=CALL_LIMIT_S) as answer:  # noqa: S310 - as above
        return json.load(answer)
