"""Whatever befalls Redis: nobody is called unknown who is not, no limit is wrong, and all is well again afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import pytest
from tests.gateway import KEYED, SESSION, SURE, Gateway, api, until
from tests.relay import Relay
from tests.servers import RedisServer, RestartableRedis
from tests.topologies import MASTER, running_cluster, running_sentinels
from tests.upstreams import Upstream
from tests.wire import get

LONG_S = 3600
LIMIT = 40
UNKNOWN = "Authorization: never-seen"

Fault = Callable[[RestartableRedis, Relay], Any]


@contextmanager
def paused(redis: RestartableRedis, _relay: Relay) -> Iterator[None]:
    redis.server.pause()
    yield
    redis.server.resume()


@contextmanager
def full(redis: RestartableRedis, _relay: Relay) -> Iterator[None]:
    redis.server.command("CONFIG", "SET", "maxmemory", "1")
    yield
    redis.server.command("CONFIG", "SET", "maxmemory", "0")


@contextmanager
def cut(_redis: RestartableRedis, relay: Relay) -> Iterator[None]:
    relay.is_cut = True
    yield
    relay.is_cut = False


@contextmanager
def slowed(_redis: RestartableRedis, relay: Relay) -> Iterator[None]:
    relay.delay_s = 0.05
    yield
    relay.delay_s = 0


@contextmanager
def slowed_too_much(_redis: RestartableRedis, relay: Relay) -> Iterator[None]:
    relay.delay_s = 1.0
    yield
    relay.delay_s = 0


@pytest.fixture
def relay(redis: RestartableRedis) -> Iterator[Relay]:
    with Relay(redis.port) as one:
        yield one


@pytest.fixture
def gateway(tmp_path: Path, upstream: Upstream, relay: Relay) -> Iterator[Gateway]:
    with node(tmp_path, upstream, {"host": "127.0.0.1", "port": relay.port}) as one:
        yield one


def node(tmp_path: Path, upstream: Upstream, storage: dict[str, Any]) -> Gateway:
    (folder := tmp_path / "node").mkdir()
    conf = {"storage": {"type": "redis", **storage}, "cluster": {"enabled": True}}
    return Gateway(folder, apis=[api("/a/", upstream.url, **KEYED)], conf=conf, workers=2)


def new_key(gateway: Gateway, **limits: Any) -> str:
    """Return the header of a new key."""
    status, made = gateway.admin("POST", "/tyk/keys/create", {**SESSION, **limits})
    assert status == 200, made
    return f"Authorization: {made['key']}"


def statuses(gateway: Gateway, key: str, times: int) -> Counter[int]:
    """Ask so often, each time on a new connection."""
    return Counter(gateway.ask(get("/a/x", key)).status for _ in range(times))


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("fault", "told_of_unknown"),
    [(paused, {503}), (full, {403, 503}), (cut, {503}), (slowed, {403, 503}), (slowed_too_much, {503})],
)
def test_no_wrong_verdict_no_wrong_limit_and_full_recovery(
    gateway: Gateway, redis: RestartableRedis, relay: Relay, fault: Fault, told_of_unknown: set[int]
) -> None:
    known, limited = new_key(gateway), new_key(gateway, rate=LIMIT, per=LONG_S)
    counted = new_key(gateway, quota_max=LIMIT, quota_renewal_rate=LONG_S)
    assert statuses(gateway, known, 8) == {200: 8}
    admitted = statuses(gateway, limited, 8)[200]
    used = statuses(gateway, counted, 8)[200]
    assert (admitted, used) == (8, 8)

    with fault(redis, relay):
        assert set(statuses(gateway, UNKNOWN, 8)) <= told_of_unknown
        assert statuses(gateway, known, 8) == {200: 8}
        rate, quota = statuses(gateway, limited, LIMIT), statuses(gateway, counted, LIMIT)
    assert set(rate) <= {200, 429}
    assert set(quota) <= {200, 403}
    assert 0 < rate[200] <= LIMIT - admitted
    assert 0 < quota[200] <= LIMIT - used

    until(lambda: statuses(gateway, UNKNOWN, SURE) == {403: SURE})
    assert statuses(gateway, known, 8) == {200: 8}
    assert admitted + rate[200] + statuses(gateway, limited, LIMIT)[200] <= LIMIT
    assert statuses(gateway, limited, 4) == {429: 4}
    used += quota[200]
    used += statuses(gateway, counted, LIMIT)[200]
    assert used == LIMIT
    until(lambda: int(redis.server.command("GET", redis.server.command("KEYS", "quota-*"))) >= LIMIT)
    assert statuses(gateway, new_key(gateway), 4) == {200: 4}, "it is written to"


@pytest.mark.timeout(150)
@pytest.mark.parametrize("topology", ["sentinel", "cluster"])
def test_no_wrong_verdict_and_no_wrong_limit_when_a_master_is_killed(
    tmp_path: Path, upstream: Upstream, topology: str
) -> None:
    running = running_sentinels if topology == "sentinel" else running_cluster
    with running(tmp_path) as redis:
        addresses = [f"{host}:{port}" for host, port in redis.options.addresses]
        own = {"master_name": MASTER} if topology == "sentinel" else {"enable_cluster": True}
        with node(tmp_path, upstream, {"addrs": addresses, "timeout": 3, **own}) as gateway:
            known, limited = new_key(gateway), new_key(gateway, rate=LIMIT, per=LONG_S)
            assert statuses(gateway, known, 4) == {200: 4}
            assert statuses(gateway, limited, 8) == {200: 8}
            (counting,) = [one for one in redis.servers if is_master(one) and one.command("KEYS", "sluice-limit-*")]
            (replica,) = [one for one in redis.servers if is_replica_of(one, counting)]
            until(lambda: offset(replica) == offset(counting), "it has all that was counted")
            counting.kill()
            during = statuses(gateway, limited, LIMIT)
            assert during == {200: LIMIT - 8, 429: 8}
            assert statuses(gateway, known, 8) == {200: 8}
            until(lambda: is_master(replica), "it has taken over")
            until(lambda: gateway.admin("POST", "/tyk/keys/create", SESSION)[0] == 200, "it is written to")

            def has_all() -> bool:
                """Return whether the new master has been told of all that were admitted, once a request asks it."""
                assert statuses(gateway, limited, 1) == {429: 1}
                return replica.command("GET", replica.command("KEYS", "sluice-limit-*")) == str(LIMIT)

            until(has_all)
            assert statuses(gateway, known, 8) == {200: 8}


def is_master(server: RedisServer) -> bool:
    with suppress(CalledProcessError):  # Sentinels end the connections of a server that they promote
        return "role:master" in server.command("INFO", "replication")
    return False


def is_replica_of(server: RedisServer, master: RedisServer) -> bool:
    return f"master_port:{master.port}" in server.command("INFO", "replication").split()


def offset(server: RedisServer) -> str:
    """Return how far a server is in what a master tells its replicas."""
    return next(one for one in server.command("INFO", "replication").split() if one.startswith("master_repl_offset"))
