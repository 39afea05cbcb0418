"""Leases: never more than the limit, hardly a word with Redis, and nothing lost."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import mmap
import time
from collections import Counter
from collections.abc import Awaitable, Iterator

import pytest
from benchmarks.counting_node import CountingNodes, counting_nodes
from tests.fakes.limiters import redis_limiter
from tests.servers import RedisServer, running_redis

from sluicegate.errors import StoreError
from sluicegate.store.limiters.lease_sheet import BYTES
from sluicegate.store.limiters.tally import Tally
from sluicegate.store.redis import RedisBackend
from sluicegate.store.servers import Servers
from sluicegate.store.shared_counters import SharedCounters

EXACT = {"cluster": {"enabled": True}}
NAME, STORED = "rate-limit-k1", "sluice-limit-{rate-limit-k1}"
PATIENCE_S = 20.0
LONG_S = 1000


@pytest.fixture
async def redis(redis_server):
    backend = RedisBackend(redis_server.options)
    yield backend
    await backend.close()


@pytest.fixture
async def limiter(redis):
    made = redis_limiter(redis, EXACT)
    yield made
    await made.close()


async def settled(verdict):
    return await verdict if isinstance(verdict, Awaitable) else verdict


async def use(limiter, times: int, rate: float = 100_000, at_once: int = 50) -> int:
    """Ask so many times, some at once; return how often the answer was yes."""
    admitted = 0
    for start in range(0, times, at_once):
        verdicts = [limiter.rate(NAME, rate, LONG_S) for _ in range(min(at_once, times - start))]
        admitted += sum([(await settled(verdict)).allowed for verdict in verdicts])
    return admitted


async def until(met):
    deadline = time.monotonic() + PATIENCE_S
    while not met():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def scripts_run(server) -> int:
    """Return how many scripts Redis has been asked to run."""
    lines = server.command("INFO", "commandstats").splitlines()
    counts = [line.partition("calls=")[2].partition(",")[0] for line in lines if line.startswith("cmdstat_eval")]
    return sum(map(int, counts))


@pytest.fixture(scope="module")
def counting(tmp_path_factory) -> Iterator[tuple[CountingNodes, RedisServer]]:
    """Three nodes that count, and their Redis: each test has a name of its own."""
    with (
        running_redis(tmp_path_factory.mktemp("redis")) as server,
        counting_nodes(3, server.port, EXACT) as nodes,
    ):
        yield nodes, server


@pytest.mark.parametrize("limit", [100, 3000])
def test_processes_together_admit_what_the_limit_says(counting, limit):
    nodes, _ = counting
    said = nodes.ask(f"rate-limit-{limit}", limit, LONG_S, clients=20, seconds=1.5, pace_s=0.0005)
    assert sum(one.get("admitted", 0) for one in said) <= limit
    said_later = nodes.ask(f"rate-limit-{limit}", limit, LONG_S, clients=2, seconds=1.5, pace_s=0.001)
    admitted = [one.get("admitted", 0) for one in said + said_later]
    assert sum(admitted) == limit, "clients that keep asking get all"
    assert sum(one["refused"] for one in said_later) > 0


def test_no_window_admits_more_than_the_limit(counting):
    nodes, _ = counting
    said = nodes.ask("rate-limit-windows", 600, 1, clients=10, seconds=3.5, pace_s=0.001)
    windows: Counter[float] = Counter()
    for one in said:
        for end, admitted in one["windows"]:
            windows[end] += admitted
    merged: list[tuple[float, int]] = []  # ends that are told half a second apart are one
    for end, admitted in sorted(windows.items()):
        if merged and end - merged[-1][0] <= 0.5:
            merged[-1] = (merged[-1][0], merged[-1][1] + admitted)
        else:
            merged.append((end, admitted))
    assert len(merged) >= 3
    assert max(admitted for _, admitted in merged) <= 600


def test_a_busy_key_costs_hardly_a_word(counting):
    nodes, server = counting
    node = CountingNodes(nodes.processes[:1])
    node.ask("rate-limit-busy", 1_000_000, 60, clients=1, seconds=0.3, pace_s=0.001)
    for _ in range(5):
        before = scripts_run(server)
        (said,) = node.ask("rate-limit-busy", 1_000_000, 60, clients=1, seconds=2, pace_s=0.001)
        if said["admitted"] > 200:  # else the machine had no time for us, and the key was not busy
            break
    assert said["admitted"] > 200
    assert scripts_run(server) - before < 0.1 * said["admitted"]


async def test_a_flood_over_the_limit_costs_no_words(limiter, redis_server):
    assert await use(limiter, 200, rate=100) == 100
    before, started = scripts_run(redis_server), time.monotonic()
    assert await use(limiter, 5000, rate=100) == 0
    assert scripts_run(redis_server) - before <= 1 + (time.monotonic() - started) / 0.25


async def test_what_is_taken_from_a_lease_needs_no_waiting(limiter):
    await use(limiter, 110)
    verdicts = [limiter.rate(NAME, 100_000, LONG_S) for _ in range(50)]
    assert not any(isinstance(verdict, Awaitable) for verdict in verdicts)
    remaining = [verdict.remaining for verdict in verdicts]
    assert remaining == list(range(remaining[0], remaining[0] - 50, -1))


async def test_a_lease_that_nobody_uses_goes_back(limiter, redis_server):
    used = await use(limiter, 300)
    assert int(redis_server.command("GET", STORED)) > used, "there is a lease"
    await until(lambda: int(redis_server.command("GET", STORED)) == used)
    assert await use(limiter, 20) == 20


async def test_a_worker_that_ends_gives_everything_back(redis, redis_server):
    limiter = redis_limiter(redis, EXACT)
    used = await use(limiter, 300)
    await limiter.close()
    assert int(redis_server.command("GET", STORED)) == used


async def test_what_a_killed_worker_had_not_used_goes_back(redis, redis_server):
    sheet = mmap.mmap(-1, BYTES)
    killed = redis_limiter(redis, EXACT, sheet=sheet)
    used = await use(killed, 300)
    killed._leases._sweeper.cancel()  # it does nothing any more
    assert int(redis_server.command("GET", STORED)) > used
    successor = redis_limiter(redis, EXACT, sheet=sheet)
    successor.start()
    await until(lambda: int(redis_server.command("GET", STORED)) == used)
    assert (await settled(successor.rate(NAME, 100_000, LONG_S))).remaining == 100_000 - used - 1
    await successor.close()


async def test_a_lease_of_an_old_window_is_not_given_back_to_the_new_one(limiter, redis_server):
    await use(limiter, 300)
    redis_server.command("SET", STORED, "7", "PX", "77000")
    await limiter.close()
    assert redis_server.command("GET", STORED) == "7"


async def test_a_busy_quota_is_leased_too_and_read_exactly(limiter, redis_server):
    for _ in range(300):
        await settled(limiter.quota("quota-k1", 100_000, LONG_S))
    assert int(redis_server.command("GET", "quota-k1")) > 300
    assert (await limiter.quota_used("quota-k1"))[0] == 300
    await limiter.reset(["quota-k1"])
    assert (await settled(limiter.quota("quota-k1", 100_000, LONG_S))).remaining == 99_999


async def test_what_was_granted_too_late_is_not_lost(tmp_path):
    with running_redis(tmp_path) as server:
        backend = RedisBackend(server.options)
        limiter = redis_limiter(backend, EXACT, timeout_s=0.2)
        assert await use(limiter, 10) == 10
        server.pause()
        started = time.monotonic()
        with pytest.raises(StoreError):
            await settled(limiter.rate("rate-limit-k2", 100, LONG_S))
        with pytest.raises(StoreError):
            limiter.rate("rate-limit-k2", 100, LONG_S)
        assert time.monotonic() - started < 3
        server.resume()
        await until(lambda: server.command("GET", "sluice-limit-{rate-limit-k2}") == "0")  # granted, then given back
        await until(lambda: not limiter._reach.is_hung)
        assert (await settled(limiter.rate("rate-limit-k2", 100, LONG_S))).remaining == 99
        await limiter.close()
        await backend.close()


async def test_a_lease_goes_back_once_though_the_store_takes_it_late(tmp_path):
    with running_redis(tmp_path) as server:
        backend = RedisBackend(server.options)
        limiter = redis_limiter(backend, EXACT, timeout_s=0.2)
        used = await use(limiter, 300)
        await until(lambda: int(server.command("GET", STORED)) == used)  # so Redis knows the script
        used += await use(limiter, 300)
        assert limiter._leases._held
        server.pause()
        await until(lambda: not limiter._leases._held)
        with pytest.raises(StoreError):
            await settled(limiter.rate("rate-limit-k2", 100, LONG_S))
        server.resume()
        await until(lambda: not limiter._reach.is_hung)
        await limiter.close()
        assert int(server.command("GET", STORED)) == used
        await backend.close()


async def test_a_lease_goes_back_when_a_store_that_was_away_is_there_again(tmp_path):
    with running_redis(tmp_path) as server:
        backend = RedisBackend(server.options)
        limiter = redis_limiter(backend, EXACT)
        used = await use(limiter, 300)
        listening = backend._servers._channel
        listening._connect, connect = _refused, listening._connect
        listening.link.end("cut")
        await until(lambda: listening.is_away)
        await until(lambda: limiter._leases._owed_back)
        assert int(server.command("GET", STORED)) > used
        listening._connect = connect
        await until(lambda: int(server.command("GET", STORED)) == used)
        await limiter.close()
        await backend.close()


async def _refused():
    raise StoreError("cut off")


async def test_what_limits_do_while_the_store_is_away(tmp_path):
    with running_redis(tmp_path) as server:
        backend = RedisBackend(server.options)
        servers = Servers("node")
        servers._count = 2
        exact = redis_limiter(backend, EXACT, SharedCounters(None), servers=servers)
        local = exact.when_away("local")
        assert await use(local, 40, rate=100) == 40
        server.kill()
        with pytest.raises(StoreError):
            await settled(exact.when_away("closed").rate(NAME, 100, LONG_S))
        assert await use(exact.when_away("open"), 200, rate=100) == 200
        assert await use(local, 200, rate=100) == 30, "half of the sixty that were left"
        quotas = [await settled(local.quota("quota-k1", 10, LONG_S)) for _ in range(8)]
        assert [quota.allowed for quota in quotas] == [True] * 5 + [False] * 3
        with running_redis(tmp_path, port=server.port):
            await reachable(backend)
            verdict = await settled(local.rate(NAME, 100, LONG_S))
            assert verdict.remaining == 69, "Redis lost its forty, and was told of the thirty"
            assert (await settled(local.rate(NAME, 100, LONG_S))).remaining == 68, "once"
        await exact.close()
        await backend.close()


@contextlib.asynccontextmanager
async def two_workers(server, timeout_s: float = 5.0, patience_s: float = 20.0):
    """Two workers of a node, each with a connection of its own.

    timeout_s: when a connection ends on which Redis does not answer. patience_s: when nobody waits any longer.
    """
    options = dataclasses.replace(server.options, timeout_s=timeout_s)
    tally, backends = Tally(), [RedisBackend(options) for _ in range(2)]
    limiters = [redis_limiter(backend, EXACT, tally=tally, timeout_s=patience_s) for backend in backends]
    yield [one.when_away("local") for one in limiters]
    for limiter, backend in zip(limiters, backends, strict=True):
        await limiter.close()
        await backend.close()


async def test_workers_of_a_node_admit_together_what_any_of_them_knew_to_be_left(tmp_path):
    with running_redis(tmp_path) as server:
        async with two_workers(server) as (one, other):
            assert await use(one, 5, rate=40) + await use(other, 9, rate=40) + await use(one, 3, rate=40) == 17
            quotas = [await settled(worker.quota("quota-k1", 40, LONG_S)) for worker in (one, other, one)]
            assert [quota.remaining for quota in quotas] == [39, 38, 37]
            server.kill()
            assert await use(other, 60, rate=40) + await use(one, 60, rate=40) == 23
            quotas = [await settled(worker.quota("quota-k1", 40, LONG_S)) for worker in (other, one) * 30]
            assert sum(quota.allowed for quota in quotas) == 37


async def test_leases_of_all_workers_are_counted_when_the_store_goes_away(tmp_path):
    limit = 2000
    with running_redis(tmp_path) as server:
        async with two_workers(server) as (one, other):
            used = await use(one, 300, rate=limit) + await use(other, 300, rate=limit)
            assert (counted := int(server.command("GET", STORED))) > used == 600, "both hold leases"
            server.kill()
            used += await use(other, limit, rate=limit) + await use(one, limit, rate=limit)
            assert counted <= used <= limit


async def test_the_store_is_told_by_whichever_worker_asks_first_and_once(tmp_path):
    with running_redis(tmp_path) as server:
        async with two_workers(server) as (one, other):
            assert await use(one, 5, rate=40) + await use(other, 5, rate=40) == 10
            server.kill()
            assert await use(one, 12, rate=40) == 12
            with running_redis(tmp_path, port=server.port):
                await asyncio.gather(*(reachable(worker._inner._backend) for worker in (one, other)))
                assert (await settled(other.rate(NAME, 40, LONG_S))).remaining == 27, (
                    "of the twelve, of which it was none"
                )
                assert (await settled(one.rate(NAME, 40, LONG_S))).remaining == 26


async def test_what_is_told_by_two_workers_at_once_is_counted_once(tmp_path):
    with running_redis(tmp_path) as server:
        async with two_workers(server) as (one, other):
            server.kill()
            assert await use(one, 12, rate=14) == 12
            with running_redis(tmp_path, port=server.port) as again:
                await asyncio.gather(*(reachable(worker._inner._backend) for worker in (one, other)))
                verdicts = [worker.rate(NAME, 14, LONG_S) for worker in (one, other)]
                assert all([(await settled(verdict)).allowed for verdict in verdicts])
                assert again.command("GET", STORED) == "14"


async def test_what_was_told_without_an_answer_is_not_counted_again(tmp_path):
    with running_redis(tmp_path) as server:
        async with two_workers(server, timeout_s=0.5) as (one, other):
            server.kill()
            assert await use(one, 5, rate=40) + await use(other, 7, rate=40) == 12
            with running_redis(tmp_path, port=server.port) as again:
                await asyncio.gather(*(reachable(worker._inner._backend) for worker in (one, other)))
                await settled(one.rate("rate-limit-k2", 40, LONG_S))  # it has the script
                again.pause()
                assert (await settled(one.rate(NAME, 40, LONG_S))).allowed  # it is told, and the connection ends
                again.resume()
                await until(lambda: again.command("GET", STORED) == "13")  # the twelve, and one that nobody heard of
                await asyncio.gather(*(reachable(worker._inner._backend) for worker in (one, other)))
                assert (await settled(other.rate(NAME, 40, LONG_S))).remaining == 40 - 13 - 2
                assert again.command("GET", STORED) == "15"


async def test_what_the_store_grants_too_late_is_not_used_when_it_was_admitted_without_it(tmp_path):
    with running_redis(tmp_path) as server:
        async with two_workers(server, patience_s=0.2) as (one, other):
            assert await use(one, 5, rate=12) + await use(other, 5, rate=12) == 10
            server.pause()
            assert await use(one, 5, rate=12, at_once=1) + await use(other, 5, rate=12, at_once=1) == 2
            server.resume()
            for worker in (one, other):
                await until(lambda worker=worker: not worker._inner._reach.is_hung)
                assert await use(worker, 5, rate=12) == 0
            await until(lambda: server.command("GET", STORED) == "12")


async def test_what_went_back_is_free_when_the_store_goes_away(tmp_path):
    limit = 2000
    with running_redis(tmp_path) as server:
        async with two_workers(server) as (one, other):
            used = await use(one, 300, rate=limit)
            await until(lambda: int(server.command("GET", STORED)) == used)
            await until(lambda: one._inner._leases._held == {} and not one._inner._leases._tasks)
            server.kill()
            assert await use(other, limit, rate=limit) == limit - used


async def reachable(backend) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not (await backend.health()).reachable:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
