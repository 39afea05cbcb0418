"""Real servers for tests, each on a port of its own, gone when the test or the run is over."""

from __future__ import annotations

import itertools
import os
import random
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sluicegate.store.redis.options import RedisOptions

REDIS_SERVER = os.environ.get("TEST_REDIS_SERVER", "/usr/bin/redis-server")
"""The program; `valkey-server` serves as well."""
LOWEST_PORT, OUTGOING_PORTS = 10_000, 32_768
"""Ports that tests use, and where Linux's usual range for outgoing connections begins."""


def _ports_of_this_process() -> Iterator[int]:
    """Yield ports, each of them once a run, that no other process of the run is given.

    They are below the range from which outgoing connections take theirs: one that is made between the choice of a port
    and its use would take it away.
    """
    worker, workers = os.environ.get("PYTEST_XDIST_WORKER", "gw0"), os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")
    ports = range(LOWEST_PORT + int(worker.removeprefix("gw")), OUTGOING_PORTS, int(workers))
    start = random.randrange(len(ports))
    yield from itertools.cycle([*ports[start:], *ports[:start]])


_PORTS = _ports_of_this_process()


def free_port() -> int:
    """Return a TCP port that nobody listens on, and that no other test is given."""
    for port in _PORTS:
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("", port))
            return port
    raise AssertionError("ports do not end")


def free_ports(number: int) -> list[int]:
    """Return so many different ports that nobody listens on."""
    return [free_port() for _ in range(number)]


@dataclass
class RedisServer:
    """A running redis-server without persistence."""

    port: int
    process: subprocess.Popen[bytes]
    password: str = ""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return "127.0.0.1", self.port

    @property
    def options(self) -> RedisOptions:
        """How a store reaches it."""
        return RedisOptions((self.address,))

    def pause(self) -> None:
        """Let it hang: connections stay open, nothing is answered."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()

    def empty(self) -> None:
        """Remove all that is in it."""
        with socket.create_connection(self.address) as connection:
            connection.sendall(b"FLUSHALL\r\nSCRIPT FLUSH\r\n")
            answer = b""
            while answer.count(b"+OK\r\n") < 2:
                answer += connection.recv(64)

    def command(self, *words: str) -> str:
        """Run one command by redis-cli and return what it prints."""
        sign_in = ["--no-auth-warning", "-a", self.password] if self.password else []
        line = ["redis-cli", "-p", str(self.port), *sign_in, *words]
        return subprocess.run(line, capture_output=True, check=True, text=True).stdout.strip()


@contextmanager
def running_redis(
    folder: Path, *options: str, port: int = 0, password: str = "", says: bytes = b"eady to accept connections"
) -> Iterator[RedisServer]:
    """Start a redis-server and wait until it listens; `options` as on its command line, a file for its settings first.

    says: what it writes when it listens.
    """
    port = port or free_port()
    file = [options[0]] if options and not options[0].startswith("--") else []
    line = [REDIS_SERVER, *file, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    line += ["--save", "", *options[len(file) :], *(["--requirepass", password] if password else [])]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    reader = threading.Thread(target=process.stdout.read, daemon=True)  # else it hangs when the pipe is full
    try:
        said = b""
        for said_line in process.stdout:
            said += said_line
            if says in said_line:
                break
        else:
            raise RuntimeError(f"redis-server did not start: {said.decode()}")
        reader.start()
        yield RedisServer(port, process, password)
    finally:
        process.kill()
        process.wait()
        if reader.ident is not None:
            reader.join()
        process.stdout.close()


class RestartableRedis:
    """A redis-server that can go away and come back on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.running = ExitStack()
        self.start()

    def start(self) -> None:
        """Start it, without anything in it."""
        self.server: RedisServer = self.running.enter_context(running_redis(self.folder, port=self.port))

    def stop(self) -> None:
        """End it at once."""
        self.running.close()
