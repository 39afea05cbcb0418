"""Redis in more than one process: a master with Sentinels, and a Redis Cluster; real ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.gateway import until
from tests.servers import RedisServer, free_ports, running_redis

from sluicegate.store.redis.options import RedisOptions
from sluicegate.store.redis.slots import SLOTS, slot_of

TOPOLOGIES = ("single", "sentinel", "cluster")
MASTER = "gatemaster"
DOWN_AFTER_MS = 1000
PATIENCE_S = 30.0
AT_ONCE = ["--repl-diskless-sync-delay", "0", "--appendonly", "no"]


def options_for(topology: str, request: pytest.FixtureRequest) -> RedisOptions:
    """Return how to reach an empty Redis of that kind."""
    fixture = {"single": "redis_server", "sentinel": "sentinels", "cluster": "cluster"}[topology]
    options: RedisOptions = request.getfixturevalue(fixture).options
    return options


@dataclass
class SentinelSet:
    """Two servers, of which one is the master, and three Sentinels that watch it."""

    servers: list[RedisServer]
    sentinels: list[RedisServer]

    @property
    def options(self) -> RedisOptions:
        """How a store reaches the master."""
        return RedisOptions(tuple(sentinel.address for sentinel in self.sentinels), master_name=MASTER)

    def master(self) -> RedisServer:
        """Return the server that the first Sentinel calls the master."""
        port = int(self.sentinels[0].command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER).split()[1])
        return next(server for server in self.servers if server.port == port)

    def is_complete(self) -> bool:
        """Return whether every Sentinel knows the replica and the others, so that a switch is possible."""
        told = [sentinel.command("SENTINEL", "MASTER", MASTER).split() for sentinel in self.sentinels]
        values = [dict(zip(words[::2], words[1::2], strict=False)) for words in told]
        others = str(len(self.sentinels) - 1)
        return all(one.get("num-slaves") == "1" and one.get("num-other-sentinels") == others for one in values)


@contextmanager
def running_sentinels(folder: Path, password: str = "", sentinel_password: str = "") -> Iterator[SentinelSet]:
    """Start master, replica and Sentinels, and wait until they know each other."""
    with ExitStack() as stack:
        places = [folder / str(number) for number in range(5)]
        for place in places:
            place.mkdir()
        sign_in = ["--masterauth", password] if password else []
        master = stack.enter_context(running_redis(places[0], *AT_ONCE, *sign_in, password=password))
        follow = ["--replicaof", f"127.0.0.1 {master.port}", *sign_in]
        replica = stack.enter_context(running_redis(places[1], *AT_ONCE, *follow, password=password))
        until(lambda: "master_link_status:up" in replica.command("INFO", "replication"), patience_s=PATIENCE_S)
        sentinels = [stack.enter_context(_sentinel(place, master, sentinel_password)) for place in places[2:]]
        made = SentinelSet([master, replica], sentinels)
        until(made.is_complete, patience_s=PATIENCE_S)
        yield made


@contextmanager
def _sentinel(folder: Path, master: RedisServer, password: str) -> Iterator[RedisServer]:
    file = folder / "sentinel.conf"
    file.write_text(
        f"sentinel monitor {MASTER} 127.0.0.1 {master.port} 2\n"
        + (f"sentinel auth-pass {MASTER} {master.password}\n" if master.password else "")
        + (f"requirepass {password}\n" if password else "")
        + f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}\n"
        f"sentinel failover-timeout {MASTER} 3000\n"
    )
    with running_redis(folder, str(file), "--sentinel", says=b"+monitor master") as sentinel:
        sentinel.password = password
        yield sentinel


@dataclass
class RedisCluster:
    """Three masters and a replica of each; the replicas stand behind the masters."""

    servers: list[RedisServer]

    @property
    def options(self) -> RedisOptions:
        """How a store reaches it: by two of its servers."""
        return RedisOptions(tuple(server.address for server in self.servers[:2]), is_cluster=True)

    def masters(self) -> list[RedisServer]:
        """Return those that are masters as long as nothing has happened."""
        return self.servers[:3]

    def master_of(self, name: str) -> RedisServer:
        """Return the server that has a name as long as nothing has happened."""
        return self.servers[slot_of(name.encode()) * 3 // SLOTS]

    def command(self, name: str, *words: str) -> str:
        """Run a command about a name at the server that has it."""
        return self.master_of(name).command(*words)

    def is_complete(self) -> bool:
        """Return whether all servers agree that everything has its place, and each replica follows."""
        return all(
            "cluster_state:ok" in server.command("CLUSTER", "INFO")
            and server.command("CLUSTER", "NODES").count("slave ") == 3
            for server in self.servers
        ) and all("master_link_status:up" in server.command("INFO", "replication") for server in self.servers[3:])


@contextmanager
def running_cluster(folder: Path) -> Iterator[RedisCluster]:
    """Start six servers, make them a cluster, and wait until they agree."""
    with ExitStack() as stack:
        ports = free_ports(12)
        servers = []
        for number, (port, bus) in enumerate(zip(ports[:6], ports[6:], strict=True)):
            place = folder / str(number)
            place.mkdir()
            options = ["--cluster-enabled", "yes", "--cluster-port", str(bus)]
            options += ["--cluster-node-timeout", str(DOWN_AFTER_MS)]
            servers.append(stack.enter_context(running_redis(place, *AT_ONCE, *options, port=port)))
        for number, server in enumerate(servers):
            server.command("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        for number, server in enumerate(servers[:3]):
            first, after = -(-number * SLOTS // 3), -(-(number + 1) * SLOTS // 3)
            server.command("CLUSTER", "ADDSLOTSRANGE", str(first), str(after - 1))
        for port, bus in zip(ports[1:6], ports[7:], strict=True):
            servers[0].command("CLUSTER", "MEET", "127.0.0.1", str(port), str(bus))
        until(lambda: all("known_nodes:6" in one.command("CLUSTER", "INFO") for one in servers), patience_s=PATIENCE_S)
        for master, replica in zip(servers[:3], servers[3:], strict=True):
            own_id = master.command("CLUSTER", "MYID")
            until(lambda: replica.command("CLUSTER", "REPLICATE", own_id) == "OK", patience_s=PATIENCE_S)  # noqa: B023 - called at once
        made = RedisCluster(servers)
        until(made.is_complete, patience_s=PATIENCE_S)
        yield made
