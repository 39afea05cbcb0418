"""A master dies, hangs or gives slots away, under load: no wrong answer, no other error than StoreError, and then all
is well again without anybody's doing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from subprocess import CalledProcessError

import pytest
from tests.servers import RedisServer
from tests.topologies import MASTER, RedisCluster, SentinelSet, running_cluster, running_sentinels

from sluicegate.cluster.redis_shelf import RedisShelf
from sluicegate.errors import StoreError
from sluicegate.store.reach import Reach
from sluicegate.store.redis import RedisBackend
from sluicegate.store.redis.options import RedisOptions
from sluicegate.store.redis.slots import SLOTS, slot_of

DEADLINE_S = 1.0
PATIENCE_S = 40.0
ROUNDS = 5
HEARD_S = 6.0
"""Sentinels tell each other of a switch within two seconds, and demote a former master after eight or more."""
NAMES = [f"apikey-{number}" for number in range(30)]

pytestmark = pytest.mark.timeout(150)


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[RedisCluster]:
    """A Redis Cluster of this test's own, since it will not be the same afterwards."""
    with running_cluster(tmp_path) as servers:
        yield servers


@pytest.fixture
def own_sentinels(tmp_path: Path) -> Iterator[SentinelSet]:
    with running_sentinels(tmp_path) as servers:
        yield servers


@dataclass
class Load:
    """Clients that write ever higher numbers, each under a name of its own, and read them back."""

    backend: RedisBackend
    errors: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Answers that belong to something else."""
    behind: list[str] = field(default_factory=list)
    """Answers older than what the store had taken: a master that dies takes with it what its replica had not yet."""
    good: Counter[str] = field(default_factory=Counter)
    longest_s: float = 0.0

    async def work(self, name: str) -> None:
        taken, number, loop = 0, 0, asyncio.get_running_loop()
        while True:
            number += 1
            started = loop.time()
            try:
                await self.backend.set(name, f"{name} {number}".encode())
                taken = number
                found = (await self.backend.get(name) or b"nothing").decode()
                of, _, counted = found.partition(" ")
                if of != name or not 0 < int(counted) <= number:
                    self.wrong.append(f"{name} {number}: {found}")
                elif int(counted) < taken:
                    self.behind.append(f"{name} {number}: {found}")
                self.good[name] += 1
            except StoreError as error:
                self.errors.append(str(error))
            self.longest_s = max(self.longest_s, loop.time() - started)
            await asyncio.sleep(0.01)


class Heard:
    """What a subscriber hears, and whether it was told of gaps."""

    def __init__(self, backend: RedisBackend) -> None:
        self.messages: set[bytes] = set()
        self.gaps = 0
        backend.subscribe("news", self.messages.add, self.tell_gap)

    def tell_gap(self) -> None:
        self.gaps += 1

    async def hears(self, backend: RedisBackend, message: bytes) -> None:
        """Return when a message that is sent again and again has come."""

        async def sent() -> bool:
            try:
                await backend.publish("news", message)
            except StoreError:
                return False
            return message in self.messages

        await until(sent)

    async def more_gaps(self, than: int) -> int:
        """Return how many gaps it was told of, when these are more: one is told a turn after it ends."""

        async def told() -> bool:
            return self.gaps > than

        await until(told)
        return self.gaps


async def until(met: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await met():  # noqa: ASYNC110 - a store has no event for it
            await asyncio.sleep(0.02)


@asynccontextmanager
async def under_load(options: RedisOptions) -> AsyncIterator[tuple[Load, Heard]]:
    """Run clients against a store; afterwards none may have seen anything wrong."""
    backend = RedisBackend(replace(options, timeout_s=DEADLINE_S))
    load, heard = Load(backend), Heard(backend)
    tasks = [asyncio.create_task(load.work(name)) for name in NAMES]
    try:
        await all_good(load)
        await heard.hears(backend, b"before")
        yield load, heard
        assert not any(task.done() for task in tasks), "something else than StoreError was raised"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await backend.close()
    assert load.wrong == []
    assert load.longest_s < 4 * DEADLINE_S + 5  # a read and a write, each passed on once, on a busy machine


async def all_good(load: Load) -> None:
    """Return when every client has got on, and none met an error meanwhile."""

    async def enough() -> bool:
        if load.errors:
            load.errors.clear()
            load.good.clear()
        return all(load.good[name] > ROUNDS for name in NAMES)

    load.good.clear()
    load.errors.clear()
    await until(enough)


async def failed(load: Load) -> None:
    """Return when the clients have noticed."""

    async def has_errors() -> bool:
        return bool(load.errors)

    await until(has_errors)


async def test_a_cluster_master_that_dies_is_replaced(own_cluster: RedisCluster) -> None:
    async with under_load(own_cluster.options) as (load, heard):
        assert (await load.backend.health()).error == ""
        for dying in own_cluster.masters()[:2]:
            dying.kill()
            health = await load.backend.health()
            assert health.reachable and str(dying.port) in health.error, "the others answer"
            await failed(load)
            await all_good(load)
            assert (await load.backend.health()).error == ""
            await heard.hears(load.backend, b"after %d" % dying.port)
        assert len(await load.backend.scan("apikey-")) == len(NAMES)


async def test_a_cluster_master_that_hangs_is_replaced_and_followed_when_it_returns(own_cluster: RedisCluster) -> None:
    hanging = own_cluster.masters()[1]
    async with under_load(own_cluster.options) as (load, heard):
        hanging.pause()
        await failed(load)
        await all_good(load)
        hanging.resume()
        await heard.hears(load.backend, b"after")
        await until_replica(hanging)
        await all_good(load)


async def test_one_server_of_a_cluster_that_hangs_does_not_keep_us_from_the_others(own_cluster: RedisCluster) -> None:
    backend = RedisBackend(own_cluster.options)
    reach = Reach(backend, DEADLINE_S)
    hanging = own_cluster.master_of(NAMES[0])
    elsewhere = next(name for name in NAMES if own_cluster.master_of(name) is not hanging)
    await backend.mget(NAMES)
    hanging.pause()
    with pytest.raises(StoreError, match="no answer within"):
        await reach.ask(backend.get(NAMES[0]))
    assert not reach.is_hung
    assert await reach.ask(backend.get(elsewhere)) is None
    health = await backend.health()
    assert health.reachable and str(hanging.port) in health.error
    await reach.close()
    await backend.close()


async def test_the_listener_moves_when_its_server_dies(own_cluster: RedisCluster) -> None:
    """Twice, whichever server that is."""
    async with under_load(own_cluster.options) as (load, heard):
        gaps = heard.gaps
        for number in range(2):
            server_listened_at(own_cluster).kill()
            await heard.hears(load.backend, b"after %d" % number)
            gaps = await heard.more_gaps(gaps)
            await all_good(load)


async def test_slots_move_while_they_are_used(own_cluster: RedisCluster) -> None:
    source = own_cluster.master_of(NAMES[0])
    target = next(master for master in own_cluster.masters() if master is not source)
    source_id, target_id = (server.command("CLUSTER", "MYID") for server in (source, target))
    slots = sorted({slot_of(name.encode()) for name in NAMES} & set(slots_of(source, own_cluster)))
    async with under_load(own_cluster.options) as (load, _):
        load.errors.clear()
        for slot in slots:
            await asyncio.to_thread(move_slot, slot, (source, source_id), (target, target_id))
        assert load.errors == []
        await all_good(load)
        assert load.behind == []
        assert set(await load.backend.scan("apikey-")) == set(NAMES)
        assert await load.backend.mget(NAMES) != [None] * len(NAMES)


async def test_a_script_waits_until_its_names_are_on_one_server_again(own_cluster: RedisCluster) -> None:
    state = "{t}.state"
    source = own_cluster.master_of(state)
    target = next(master for master in own_cluster.masters() if master is not source)
    source_id, target_id = (server.command("CLUSTER", "MYID") for server in (source, target))
    backend = RedisBackend(own_cluster.options)
    shelf = RedisShelf(backend)
    assert await shelf.change({}, {(state, "a"): b"1"})
    target.command("CLUSTER", "SETSLOT", str(slot_of(state.encode())), "IMPORTING", source_id)
    source.command("CLUSTER", "SETSLOT", str(slot_of(state.encode())), "MIGRATING", target_id)
    locking = asyncio.create_task(shelf.take_lock("{t}.lock", "me", 10, (state, "fence")))  # of these one is not there
    while "TRYAGAIN" not in await asyncio.to_thread(source.command, "INFO", "errorstats"):
        assert not locking.done()
    move_slot(slot_of(state.encode()), (source, source_id), (target, target_id))
    assert await locking == 1
    assert await shelf.change({(state, "a"): b"1"}, {(state, "a"): b"2"})
    await backend.close()


async def test_a_master_that_sentinels_watch_is_replaced(own_sentinels: SentinelSet) -> None:
    async with under_load(own_sentinels.options) as (load, heard):
        gaps = heard.gaps
        own_sentinels.master().kill()
        await failed(load)
        await all_good(load)
        await heard.hears(load.backend, b"after")
        assert await heard.more_gaps(gaps) == gaps + 1


async def test_a_master_that_hangs_is_replaced_and_not_written_to_when_it_returns(own_sentinels: SentinelSet) -> None:
    former = own_sentinels.master()
    async with under_load(own_sentinels.options) as (load, heard):
        former.pause()
        await failed(load)
        await all_good(load)
        former.resume()
        await heard.hears(load.backend, b"after")
        await until_replica(former)
        await all_good(load)


async def test_a_master_that_returns_before_all_sentinels_know_is_not_written_to(own_sentinels: SentinelSet) -> None:
    former = own_sentinels.master()
    (other,) = (server for server in own_sentinels.servers if server is not former)
    leader = own_sentinels.sentinels[1]  # which a new store listens to first
    backends = [RedisBackend(replace(own_sentinels.options, timeout_s=DEADLINE_S)) for _ in range(8)]
    await asyncio.gather(*(backend.set("a", b"1") for backend in backends))
    asking = [asyncio.create_task(ask_again_and_again(backend)) for backend in backends]
    try:
        former.pause()
        leader.command("SENTINEL", "FAILOVER", MASTER)
        while str(other.port) not in leader.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        former.resume()
        async with asyncio.timeout(HEARD_S):
            for number, backend in enumerate(backends):
                await until(partial(is_written_to, backend, other, f"b{number}"))
        assert "role:master" in former.command("INFO", "replication"), "nobody has told it yet"
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        for backend in backends:
            await backend.close()


async def ask_again_and_again(backend: RedisBackend) -> None:
    while True:
        with suppress(StoreError):
            await backend.get("a")
        await asyncio.sleep(0.02)


async def is_written_to(backend: RedisBackend, server: RedisServer, name: str) -> bool:
    """Return whether what is written by a store comes to a server."""
    with suppress(StoreError):
        await backend.set(name, b"1")
    return server.command("GET", name) == "1"


async def test_a_switch_that_an_operator_asks_for_is_followed(own_sentinels: SentinelSet) -> None:
    former = own_sentinels.master()
    async with under_load(own_sentinels.options) as (load, heard):
        own_sentinels.sentinels[0].command("SENTINEL", "FAILOVER", "gatemaster")
        await until_replica(former)
        await all_good(load)
        await heard.hears(load.backend, b"after")


async def test_one_sentinel_is_enough_and_one_that_lies_is_outvoted(own_sentinels: SentinelSet) -> None:
    liar = own_sentinels.sentinels[0]
    liar.command("SENTINEL", "REMOVE", "gatemaster")
    liar.command("SENTINEL", "MONITOR", "gatemaster", "127.0.0.1", str(own_sentinels.servers[1].port), "2")
    backend = RedisBackend(replace(own_sentinels.options, timeout_s=DEADLINE_S * 4))
    await backend.set("a", b"1")
    assert own_sentinels.servers[0].command("GET", "a") == "1"
    await backend.close()
    for sentinel in own_sentinels.sentinels[:2]:
        sentinel.kill()
    backend = RedisBackend(replace(own_sentinels.options, timeout_s=DEADLINE_S * 4))
    assert await backend.get("a") == b"1"
    await backend.close()


def move_slot(slot: int, source: tuple[RedisServer, str], target: tuple[RedisServer, str]) -> None:
    """Move a slot with all that is in it, step by step, as `redis-cli --cluster reshard` does."""
    target[0].command("CLUSTER", "SETSLOT", str(slot), "IMPORTING", source[1])
    source[0].command("CLUSTER", "SETSLOT", str(slot), "MIGRATING", target[1])
    for name in source[0].command("CLUSTER", "GETKEYSINSLOT", str(slot), "100").split():
        assert source[0].command("MIGRATE", "127.0.0.1", str(target[0].port), name, "0", "5000") in ("OK", "NOKEY")
    for server in (target[0], source[0]):
        server.command("CLUSTER", "SETSLOT", str(slot), "NODE", target[1])


def slots_of(server: RedisServer, cluster: RedisCluster) -> range:
    number = cluster.servers.index(server)
    return range(-(-number * SLOTS // 3), -(-(number + 1) * SLOTS // 3))


def server_listened_at(cluster: RedisCluster) -> RedisServer:
    """Return the server at which somebody listens."""
    alive = [server for server in cluster.servers if server.process.poll() is None]
    return next(server for server in alive if server.command("PUBSUB", "CHANNELS") == "news")


async def until_replica(server: RedisServer) -> None:
    async def is_replica() -> bool:
        with suppress(CalledProcessError):  # Sentinels end the connections of a server that they demote
            return (await asyncio.to_thread(server.command, "ROLE")).startswith("slave")
        return False

    await until(is_replica)
