"""The store that writers share: a file, one Redis, or a master with a replica that Sentinels watch, on hosts."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import msgspec
from tests.gateway import until
from tests.servers import REDIS_SERVER, free_port
from tests.shelves import opened
from tests.soak.clock import Clock
from tests.soak.network import Host, Network

from sluicegate.cluster.shelf import Shelf
from sluicegate.settings.storage import StorageOptions
from sluicegate.store.redis.options import redis_options

TIMEOUT_S = 1
MASTER = "soak"
DOWN_AFTER_MS = 1000
PATIENCE_S = 60.0


class Place(msgspec.Struct):
    """Where a store is: a folder with a file, or addresses of Redis or its Sentinels."""

    folder: str = ""
    addrs: list[str] = []
    master_name: str = ""

    @classmethod
    def read(cls, text: str) -> Place:
        """Return what a word of a command line says."""
        return msgspec.json.decode(text, type=cls)

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Shelf]:
        """Give the shelf of the store."""
        host, _, port = self.addrs[0].partition(":") if self.addrs else ("", "", "")
        where = {"addrs": self.addrs, "master_name": self.master_name} if self.master_name else {"host": host}
        options = redis_options(StorageOptions(port=int(port), timeout=TIMEOUT_S, **where)) if self.addrs else None
        async with opened("sqlite", Path(self.folder), options) as shelf:
            yield shelf


class Server:
    """A redis-server, or a Sentinel, on a host."""

    def __init__(self, folder: Path, host: Host, clock: Clock, options: list[str]) -> None:
        self.folder, self.host, self.clock, self.options = folder, host, clock, options
        self.port = free_port()
        self.start()

    def start(self) -> None:
        """Start it, with nothing in it, and wait until it answers."""
        line = [*self.host.enter, REDIS_SERVER, *self.options, "--port", str(self.port), "--bind", self.host.address]
        line += ["--dir", str(self.folder), "--protected-mode", "no", "--logfile", f"{self.host.name}.log"]
        self.process = subprocess.Popen(line, env={**os.environ, **self.clock.environment})
        until(lambda: self.ask("PING") == "PONG", f"{self.host.name} answers", PATIENCE_S)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self.host.address}:{self.port}"

    def ask(self, *words: str) -> str:
        """Return what it answers to a command, "" when it does not."""
        line = [*self.host.enter, "timeout", "1", "redis-cli", "-h", self.host.address, "-p", str(self.port), *words]
        return subprocess.run(line, capture_output=True, text=True).stdout.strip()

    def is_replica(self) -> bool:
        """Return whether it follows a master, and is up to date with it."""
        told = self.ask("INFO", "replication")
        return "role:slave" in told and "master_link_status:up" in told

    def signal(self, number: int) -> None:
        """Send its process a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once."""
        self.signal(signal.SIGKILL)
        self.process.wait()


class Store:
    """servers: those that hold the data; sentinels: those that watch them."""

    def __init__(self, kind: str, folder: Path, network: Network) -> None:
        self.kind, self._folder, self._network = kind, folder, network
        self._open = ExitStack()
        self.servers: list[Server] = []
        self.sentinels: list[Server] = []
        self.place = Place(folder=str(folder))
        if kind == "redis":
            self.servers = [self._server("redis", ["--save", ""])]
            self.place = Place(addrs=[self.servers[0].address])
        elif kind == "sentinel":
            self._begin_replicated()

    def _server(self, name: str, options: list[str]) -> Server:
        made = Server(self._folder, self._network.host(name), Clock(self._folder / f"{name}.clock"), options)
        self._open.callback(made.kill)
        return made

    def _begin_replicated(self) -> None:
        own = ["--save", "", "--repl-diskless-sync-delay", "0"]
        first = self._server("redis0", own)
        second = self._server("redis1", [*own, "--replicaof", f"{first.host.address} {first.port}"])
        until(second.is_replica, "the replica follows", PATIENCE_S)
        self.servers = [first, second]
        for number in range(3):
            file = self._folder / f"sentinel{number}.conf"
            file.write_text(
                f"sentinel monitor {MASTER} {first.host.address} {first.port} 2\n"
                f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}\n"
                f"sentinel failover-timeout {MASTER} 3000\n"
            )
            self.sentinels.append(self._server(f"sentinel{number}", [str(file), "--sentinel"]))
        until(self.is_complete, "the Sentinels find each other", PATIENCE_S)
        self.place = Place(addrs=[one.address for one in self.sentinels], master_name=MASTER)

    def is_complete(self) -> bool:
        """Return whether every Sentinel knows the replica and the others, so that a fail-over is possible."""
        told = [one.ask("SENTINEL", "MASTER", MASTER).split() for one in self.sentinels]
        values = [dict(zip(words[::2], words[1::2], strict=False)) for words in told]
        return all(one.get("num-slaves") == "1" and one.get("num-other-sentinels") == "2" for one in values)

    def master(self) -> Server:
        """Return the server that takes writes."""
        if not self.sentinels:
            return self.servers[0]
        told = self.sentinels[0].ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER).split()
        return next((one for one in self.servers if str(one.port) in told), self.servers[0])

    def close(self) -> None:
        """End all servers."""
        self._open.close()
