"""Real servers for tests, each on a port of its own, gone when the test or the run is over."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REDIS_SERVER = "/usr/bin/redis-server"


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class RedisServer:
    """A running redis-server without persistence."""

    port: int
    process: subprocess.Popen[bytes]

    def command(self, *words: str) -> str:
        """Run one command by redis-cli and return what it prints."""
        line = ["redis-cli", "-p", str(self.port), *words]
        return subprocess.run(line, capture_output=True, check=True, text=True).stdout.strip()


@contextmanager
def running_redis(folder: Path, *options: str, port: int = 0) -> Iterator[RedisServer]:
    """Start a redis-server and wait until it listens; `options` as on its command line."""
    port = port or free_port()
    line = [REDIS_SERVER, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), *options]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    try:
        said = b""
        for said_line in process.stdout:
            said += said_line
            if b"eady to accept connections" in said_line:
                break
        else:
            raise RuntimeError(f"redis-server did not start: {said.decode()}")
        yield RedisServer(port, process)
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
