"""The store of a cluster on one machine: Redis alone, Redis with Sentinels, or the embedded store as one file."""

from __future__ import annotations

import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sluicegate.cli.demo.processes import SBIN, NotStarted, Process, free_ports

MASTER = "sluicegate"
DOWN_AFTER_MS = 1000


class Store(ABC):
    """What nodes share."""

    name: str

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return what a node's settings say of it."""

    @abstractmethod
    def start(self, stack: ExitStack) -> None:
        """Start its servers; the stack ends them. Raises NotStarted."""

    @abstractmethod
    def pause(self) -> bool:
        """Let the server that takes the writes hang; return whether there is one."""

    @abstractmethod
    def resume(self) -> None:
        """Let it go on."""


class Embedded(Store):
    """The store in a file that all nodes open."""

    name = "the embedded store"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def settings(self) -> dict[str, Any]:
        return {"sluicegate": {"store_path": str(self._folder / "shared.db")}}

    def start(self, stack: ExitStack) -> None:
        """It is a file, which the first node makes."""

    def pause(self) -> bool:
        return False

    def resume(self) -> None:
        """It never hangs."""


class Redis(Store):
    """One server, which loses all when it ends."""

    name = "redis-server"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_ports([0])[0]
        self._server = _server(folder, self.port)

    def settings(self) -> dict[str, Any]:
        return {"storage": {"type": "redis", "host": "127.0.0.1", "port": self.port}}

    def start(self, stack: ExitStack) -> None:
        _start(self._server, self.port, stack)

    def pause(self) -> bool:
        self._server.pause()
        return True

    def resume(self) -> None:
        self._server.resume()


class Sentinels(Store):
    """A master with a replica, and three Sentinels that watch them."""

    name = "Redis with Sentinels"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = free_ports([0] * 5)
        master, replica, *watchers = self._ports
        self._master = _server(folder, master)
        self._replica = _server(folder, replica, "--replicaof", f"127.0.0.1 {master}")
        self._sentinels = [self._sentinel(port, master) for port in watchers]

    def settings(self) -> dict[str, Any]:
        addresses = [f"127.0.0.1:{port}" for port in self._ports[2:]]
        return {"storage": {"type": "redis", "addrs": addresses, "master_name": MASTER}}

    def start(self, stack: ExitStack) -> None:
        for process, port in zip([self._master, self._replica, *self._sentinels], self._ports, strict=True):
            _start(process, port, stack)
        is_followed = lambda: "master_link_status:up" in _ask(self._ports[1], "INFO", "replication")  # noqa: E731
        self._replica.wait_until(is_followed, "does not follow")
        for process, port in zip(self._sentinels, self._ports[2:], strict=True):
            process.wait_until(lambda: _knows_all(port), "does not know the others")  # noqa: B023 - called at once

    def pause(self) -> bool:
        self._writing().pause()
        return True

    def resume(self) -> None:
        self._master.resume()
        self._replica.resume()

    def _writing(self) -> Process:
        return self._master if self._master.is_running else self._replica

    def lose_master(self) -> None:
        """End the master by force."""
        self._master.kill()

    def has_switched(self) -> bool:
        """Return whether the Sentinels have made the replica the master."""
        said = _ask(self._ports[2], "SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER).split()
        return said[1:] == [str(self._ports[1])] and "role:master" in _ask(self._ports[1], "INFO", "replication")

    def _sentinel(self, port: int, master: int) -> Process:
        file = self._folder / f"sentinel-{port}.conf"
        file.write_text(
            f"sentinel monitor {MASTER} 127.0.0.1 {master} 2\n"
            f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}\n"
            f"sentinel failover-timeout {MASTER} 3000\n"
        )
        line = [*_line(self._folder, port, str(file)), "--sentinel"]
        return Process(line, self._folder / f"sentinel-{port}.log")


def is_redis_here() -> bool:
    """Return whether Redis can be started on this machine."""
    return _path("redis-server") is not None and _path("redis-cli") is not None


def make_store(folder: Path) -> Store:
    """Return the best store that this machine has."""
    return Redis(folder) if is_redis_here() else Embedded(folder)


def _path(program: str) -> str | None:
    return shutil.which(program, path=os.environ.get("PATH", os.defpath) + SBIN)


def _line(folder: Path, port: int, *first: str) -> list[str]:
    line = [_path("redis-server") or "redis-server", *first, "--port", str(port), "--bind", "127.0.0.1"]
    return [*line, "--dir", str(folder)]


def _server(folder: Path, port: int, *options: str) -> Process:
    line = [*_line(folder, port), "--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0", *options]
    return Process(line, folder / f"redis-{port}.log")


def _start(process: Process, port: int, stack: ExitStack) -> None:
    stack.callback(process.kill)
    process.start()
    process.wait_until(lambda: _ask(port, "PING") == "PONG", "does not answer")


def _ask(port: int, *words: str) -> str:
    line = [_path("redis-cli") or "redis-cli", "-p", str(port), *words]
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=5)  # noqa: S603 - a line of ours
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotStarted(f"redis-cli: {error}") from None
    return done.stdout.strip()


def _knows_all(port: int) -> bool:
    words = _ask(port, "SENTINEL", "MASTER", MASTER).split("\n")
    told = dict(zip(words[::2], words[1::2], strict=False))
    return told.get("num-slaves") == "1" and told.get("num-other-sentinels") == "2"
