"""Whatever befalls Redis: nobody is called unknown who is not, no limit is wrong, and all is well again afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.gateway import KEYED, SESSION, Gateway, api, until
from tests.relay import Relay
from tests.servers import RestartableRedis
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
    (folder := tmp_path / "node").mkdir()
    storage = {"type": "redis", "host": "127.0.0.1", "port": relay.port}
    conf = {"storage": storage, "cluster": {"enabled": True}}
    with Gateway(folder, apis=[api("/a/", upstream.url, **KEYED)], conf=conf, workers=1) as one:
        yield one


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
    [(paused, {503}), (full, {403}), (cut, {503}), (slowed, {403}), (slowed_too_much, {503})],
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
        assert set(statuses(gateway, UNKNOWN, 8)) == told_of_unknown
        assert statuses(gateway, known, 8) == {200: 8}
        rate, quota = statuses(gateway, limited, LIMIT), statuses(gateway, counted, LIMIT)
    assert set(rate) <= {200, 429}
    assert set(quota) <= {200, 403}
    assert 0 < rate[200] <= LIMIT - admitted
    assert 0 < quota[200] <= LIMIT - used

    until(lambda: statuses(gateway, UNKNOWN, 8) == {403: 8})
    assert statuses(gateway, known, 8) == {200: 8}
    assert admitted + rate[200] + statuses(gateway, limited, LIMIT)[200] <= LIMIT
    assert statuses(gateway, limited, 4) == {429: 4}
    used += quota[200]
    used += statuses(gateway, counted, LIMIT)[200]
    assert used == LIMIT
    until(lambda: int(redis.server.command("GET", redis.server.command("KEYS", "quota-*"))) >= LIMIT)
    assert statuses(gateway, new_key(gateway), 4) == {200: 4}, "it is written to"
