"""What every limiter promises, over each of them; then what each does in its own way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable

import pytest
from tests.fakes.limiters import redis_limiter
from tests.topologies import options_for

from sluicegate import clock
from sluicegate.apidef.session import RateLimitSmoothing
from sluicegate.errors import StoreError
from sluicegate.settings.model import Settings
from sluicegate.store.limiter import LONGEST_WINDOW_S
from sluicegate.store.limiters import make_limiter
from sluicegate.store.limiters.drl import DistributedLimiter
from sluicegate.store.limiters.exact import ExactLimiter
from sluicegate.store.limiters.fixed_window import FixedWindowLimiter
from sluicegate.store.limiters.node import NodeLimiter
from sluicegate.store.limiters.node_rate import NodeRateLimiter
from sluicegate.store.limiters.refusals import Refusals
from sluicegate.store.limiters.sliding_log import SentinelLimiter, SlidingLogLimiter
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.redis import RedisBackend
from sluicegate.store.redis.options import RedisOptions
from sluicegate.store.servers import Servers
from sluicegate.store.shared_counters import SharedCounters

NAME = "rate-limit-k1"
LONG_S = 1000.0
EXACT = {"cluster": {"enabled": True}}
CHOICES = {
    "exact": EXACT,
    "log": {"enable_redis_rolling_limiter": True},
    "fixed": {"enable_fixed_window_rate_limiter": True},
    "node and redis": {},
    "divided": {"sluicegate": {"limiter": "tyk"}},
    "tokens": {"enable_token_bucket_rate_limiter": True},
    "sliding": {"enable_sliding_window_rate_limiter": True},
}
LOG, MARKING_LOG = CHOICES["log"], {"enable_redis_rolling_limiter": True, "drl_enable_sentinel_rate_limiter": True}


@pytest.fixture
async def redis(redis_server):
    backend = RedisBackend(RedisOptions((("127.0.0.1", redis_server.port),)))
    yield backend
    await backend.close()


@pytest.fixture(
    params=[
        "node",
        "file",
        "exact",
        "log",
        "fixed",
        "node and redis",
        "divided",
        "tokens",
        "sliding",
        "exact in a cluster",
    ]
)
async def limiter(request, tmp_path):
    if request.param == "node":
        yield NodeLimiter(SharedCounters(None))
        return
    if request.param == "file":
        yield NodeLimiter(SharedCounters(tmp_path / "counters"))
        return
    kind, _, where = request.param.partition(" in a ")
    backend = RedisBackend(options_for(where or "single", request))
    made = redis_limiter(backend, CHOICES[kind])
    yield made
    await made.close()
    await backend.close()


async def settled(verdict):
    return await verdict if isinstance(verdict, Awaitable) else verdict


async def admitted(limiter, requests: int, rate: float, per_s: float = LONG_S, version: str = "") -> int:
    verdicts = [limiter.rate(NAME, rate, per_s, version) for _ in range(requests)]
    return sum([(await settled(verdict)).allowed for verdict in verdicts])


async def test_a_rate_admits_exactly_what_it_says(limiter):
    assert await admitted(limiter, 30, 10) == 10
    assert await admitted(limiter, 5, 10) == 0


async def test_a_leaky_bucket_lets_requests_leave_evenly(redis):
    limiter = redis_limiter(redis, {"enable_leaky_bucket_rate_limiter": True})
    started = time.monotonic()
    verdicts = await asyncio.gather(*(limiter.rate(NAME, 4, 1) for _ in range(6)))
    assert [verdict.allowed for verdict in verdicts] == [True] * 4 + [False] * 2
    assert time.monotonic() - started >= 0.7  # the fourth has waited for three quarters of a second
    await limiter.close()


async def test_a_limit_is_divided_unless_it_is_small(redis, redis_server):
    servers = Servers("one")
    servers.hear(servers.announcement())
    limiter = redis_limiter(redis, CHOICES["divided"], servers=servers)
    assert await admitted(limiter, 60, 40, 1) == 40, "alone"
    for _ in range(3):
        servers.hear(Servers("two").announcement())
    assert servers.count == 2
    assert await admitted(limiter, 60, 40, 1, version="1") == 20
    assert redis_server.command("ZCARD", NAME) == "0"
    assert await admitted(limiter, 30, 10, 100, version="1") == 10
    assert redis_server.command("ZCARD", NAME) == "30"
    await limiter.close()


async def test_a_limit_that_is_smoothed_grows_with_use_and_shrinks_without(redis, redis_server):
    settings = {"enable_redis_rolling_limiter": True, "enable_rate_limit_smoothing": True}
    limiter = redis_limiter(redis, settings)
    how = RateLimitSmoothing(enabled=True, threshold=5, trigger=0.5, step=2, delay=3)

    async def use(times: int) -> int:
        verdicts = [limiter.rate(NAME, 8, LONG_S, smoothing=how) for _ in range(times)]
        return sum([(await settled(verdict)).allowed for verdict in verdicts])

    def due() -> None:
        redis_server.command("HSET", f"{NAME}-allowance", "nextUpdateAt", "2020-01-02T03:04:05.123456789Z")

    assert await use(6) == 5, "the threshold"
    stored = redis_server.command("HGETALL", f"{NAME}-allowance").split()
    assert stored[:4] == ["delay", "3", "current", "5"]
    assert 3 < int(redis_server.command("TTL", f"{NAME}-allowance")) <= 6
    due()
    assert await use(1) == 1, "one step up"
    due()
    await use(1)
    assert redis_server.command("HGET", f"{NAME}-allowance", "current") == "8", "not above the rate"
    redis_server.command("DEL", NAME)
    due()
    await use(1)
    assert redis_server.command("HGET", f"{NAME}-allowance", "current") == "6"
    assert redis_server.command("EXISTS", f"{NAME}-lock") == "0"
    await limiter.close()


async def test_a_fraction_of_a_request_is_left_out(limiter):
    assert await admitted(limiter, 3, 1.9) == 1


@pytest.mark.parametrize(("rate", "per_s"), [(0, 10), (-1, 10), (1, 0), (1, 0.5)])
async def test_what_limits_nothing_admits_all(limiter, rate, per_s):
    assert await admitted(limiter, 5, rate, per_s) == 5


async def test_a_rate_that_nobody_reaches_refuses_nothing(limiter):
    assert await admitted(limiter, 3, 1e9, 1) == 3


async def test_the_longest_windows_are_counted_in_the_store(limiter):
    assert await admitted(limiter, 3, 2, LONGEST_WINDOW_S) == 2
    verdicts = [await settled(limiter.quota("quota-k1", 2, LONGEST_WINDOW_S)) for _ in range(3)]
    assert [verdict.allowed for verdict in verdicts] == [True, True, False]
    assert await limiter.quota_used("quota-k1") is not None


async def test_a_rate_that_is_next_to_nothing_admits_no_second_one(limiter):
    assert await admitted(limiter, 3, 5e-324) <= 1


async def test_a_new_window_has_room_again(limiter):
    started = time.monotonic()
    assert await admitted(limiter, 4, 2, 1) in (2, 4)  # 4: the wall clock's second ended in between
    while not await admitted(limiter, 1, 2, 1):
        assert time.monotonic() - started < 30
        await asyncio.sleep(1.05 if isinstance(limiter, SlidingLogLimiter) else 0.01)  # its log has refused ones too


async def test_limits_do_not_touch_each_other(limiter):
    assert await admitted(limiter, 2, 1) == 1
    assert (await settled(limiter.rate("rate-limit-k2", 1, LONG_S))).allowed


async def test_a_quota_counts_down_and_refuses(limiter):
    before_s = clock.now()
    verdicts = [await settled(limiter.quota("quota-k1", 3, 1000)) for _ in range(5)]
    assert [verdict.allowed for verdict in verdicts] == [True, True, True, False, False]
    assert [verdict.remaining for verdict in verdicts] == [2, 1, 0, 0, 0]
    assert all(before_s + 999 < verdict.renews_at_s < clock.now() + 1001 for verdict in verdicts)
    used = await limiter.quota_used("quota-k1")
    assert used[0] == (5 if isinstance(limiter, NodeLimiter) else 3)
    assert abs(used[1] - verdicts[0].renews_at_s) < 1
    await limiter.reset(["quota-k1", "quota-none"])
    assert await limiter.quota_used("quota-k1") is None
    assert (await settled(limiter.quota("quota-k1", 3, 1000))).remaining == 2


async def test_a_quota_without_renewal_never_ends(limiter):
    verdicts = [await settled(limiter.quota("quota-k1", 1, renewal)) for renewal in (0, -1)]
    assert [verdict.allowed for verdict in verdicts] == [True, False]
    assert [verdict.renews_at_s for verdict in verdicts] == [0, 0]
    assert (await limiter.quota_used("quota-k1"))[1] == 0.0


@pytest.mark.parametrize("quota_max", [0, -1])
async def test_no_quota_refuses_nothing_and_counts_nothing(limiter, quota_max):
    assert (await settled(limiter.quota("quota-k1", quota_max, 1000))).allowed
    assert await limiter.quota_used("quota-k1") is None


async def test_buckets_say_what_remains_and_when_they_refill(redis):
    for limiter in (NodeLimiter(SharedCounters(None)), redis_limiter(redis, EXACT)):
        verdicts = [await settled(limiter.rate(NAME, 2, 50)) for _ in range(3)]
        assert [verdict.remaining for verdict in verdicts] == [1, 0, 0]
        assert all(45 < verdict.reset_at_s - clock.now() <= 51 for verdict in verdicts)


async def test_buckets_let_one_pass_at_half_a_request_and_begin_anew_with_the_version(redis):
    for limiter in (NodeLimiter(SharedCounters(None)), redis_limiter(redis, EXACT)):
        assert await admitted(limiter, 3, 0.5) == 1
        assert await admitted(limiter, 3, 2, version="1795449246") == 2
        assert await admitted(limiter, 3, 2, version="1795449247") == 2


async def test_a_dry_run_of_a_bucket_only_looks(redis):
    for limiter in (NodeLimiter(SharedCounters(None)), redis_limiter(redis, EXACT)):
        for _ in range(5):
            assert (await settled(limiter.rate(NAME, 1, LONG_S, dry_run=True))).allowed
        assert await admitted(limiter, 1, 1) == 1
        assert not (await settled(limiter.rate(NAME, 1, LONG_S, dry_run=True))).allowed


async def test_a_clock_that_was_set_back_does_not_lock_anybody_out():
    limiter = NodeLimiter(SharedCounters(None))
    assert await admitted(limiter, 2, 1, 100_000) == 1  # as if this had been counted in another time
    assert await admitted(limiter, 2, 1, 10) == 1


async def test_the_log_has_refused_requests_too_and_tyks_form(redis, redis_server):
    limiter = redis_limiter(redis, LOG)
    verdicts = [await settled(limiter.rate(NAME, 2, 100)) for _ in range(5)]
    assert [verdict.remaining for verdict in verdicts] == [1, 0, 0, 0, 0]
    assert abs(verdicts[0].reset_at_s - clock.now()) < 5
    assert 90 < verdicts[4].reset_at_s - clock.now() <= 101
    assert redis_server.command("ZCARD", NAME) == "5"
    member = redis_server.command("ZRANGE", NAME, "0", "0")
    assert len(member) == 19
    assert abs(int(member) / 1e9 - time.time()) < 20
    assert 90 < int(redis_server.command("TTL", NAME)) <= 100
    assert await admitted(limiter, 3, 0.5) == 0


async def test_the_log_with_marks_blocks_one_earlier(redis, redis_server):
    limiter = redis_limiter(redis, MARKING_LOG)
    assert await admitted(limiter, 5, 3) == 2
    assert redis_server.command("GET", "rate-limit-k1.BLOCKED") == "1"
    assert 900 < int(redis_server.command("TTL", "rate-limit-k1.BLOCKED")) <= 1000


async def test_the_sentinel_decides_by_its_mark(redis, redis_server):
    limiter = redis_limiter(redis, {"enable_sentinel_rate_limiter": True})
    answers = []
    for _ in range(4):
        answers.append((await settled(limiter.rate(NAME, 2, 100))).allowed)
        await asyncio.gather(*limiter._behind)
    assert answers == [True, True, False, False]
    assert redis_server.command("ZCARD", NAME) == "4"
    await limiter.reset(["rate-limit-k1.BLOCKED"])
    assert (await settled(limiter.rate(NAME, 2, 100))).allowed
    await asyncio.gather(*limiter._behind)
    await limiter.reset(["rate-limit-k1.BLOCKED", NAME])
    for _ in range(3):
        await settled(limiter.rate(NAME, 2, 100, dry_run=True))
        await asyncio.gather(*limiter._behind)
    assert redis_server.command("EXISTS", "rate-limit-k1.BLOCKED") == "0"


async def test_the_sentinel_tells_of_what_it_is_refused_beside_the_road(redis, redis_server):
    refusals = Refusals()
    limiter = redis_limiter(redis, {"enable_sentinel_rate_limiter": True}, refusals=refusals).when_away("local")
    redis_server.command("SET", NAME, "no log of requests")
    assert (await limiter.rate(NAME, 1, LONG_S)).allowed
    async with asyncio.timeout(20):
        while not refusals.reason:  # noqa: ASYNC110 - nobody waits for what is done beside the road
            await asyncio.sleep(0)
    assert refusals.reason.startswith("WRONGTYPE")


async def test_a_counter_that_holds_no_number_is_an_error_of_the_store(redis, redis_server):
    redis_server.command("SET", "quota-k1", "garbage", "EX", "1000")
    limiter = redis_limiter(redis, EXACT)
    with pytest.raises(StoreError):
        await limiter.quota_used("quota-k1")
    await limiter.close()


async def test_the_fixed_window_is_aligned_to_the_clock_and_named_as_tyks(redis, redis_server):
    limiter = redis_limiter(redis, CHOICES["fixed"])
    verdict = await settled(limiter.rate(NAME, 2, 86_400))
    assert verdict.reset_at_s % 86_400 == 0
    (counter,) = redis_server.command("KEYS", "*").split()
    assert counter == f"{NAME}/{int(verdict.reset_at_s - 86_400)}000000000"
    assert 0 < int(redis_server.command("PTTL", counter)) <= 86_400_000
    assert (await settled(limiter.rate(NAME, 2, 86_400, dry_run=True))).allowed
    assert redis_server.command("GET", counter) == "1"


async def test_quotas_lie_in_redis_as_tyks(redis, redis_server):
    limiter = redis_limiter(redis, EXACT)
    await settled(limiter.quota("quota-k1", 10, 1000))
    assert redis_server.command("GET", "quota-k1") == "1"
    assert 990 < int(redis_server.command("TTL", "quota-k1")) <= 1000
    redis_server.command("SET", "quota-k1", "7")  # without a time to live it begins anew
    assert (await settled(limiter.quota("quota-k1", 10, 1000))).remaining == 9


async def test_nodes_that_share_redis_admit_together_what_the_limit_says(redis, redis_server):
    others = [RedisBackend(RedisOptions((("127.0.0.1", redis_server.port),))) for _ in range(3)]
    limiters = [redis_limiter(backend, EXACT) for backend in (redis, *others)]
    counts = await asyncio.gather(*(admitted(limiter, 100, 100) for limiter in limiters))
    assert sum(counts) == 100
    for backend in others:
        await backend.close()


async def test_the_settings_choose(redis):
    memory = MemoryBackend()
    settings = Settings(enable_redis_rolling_limiter=True)
    assert type(make_limiter(settings, memory, SharedCounters(None))) is NodeLimiter
    await memory.close()
    for asked, kind in (
        ({"enable_fixed_window_rate_limiter": True, "enable_sentinel_rate_limiter": True}, FixedWindowLimiter),
        ({"enable_sentinel_rate_limiter": True, "enable_redis_rolling_limiter": True}, SentinelLimiter),
        (LOG, SlidingLogLimiter),
        (EXACT, ExactLimiter),
        ({"cluster": {"enabled": True}, "sluicegate": {"limiter": "tyk"}}, DistributedLimiter),
        ({"sluicegate": {"limiter": "exact"}}, ExactLimiter),
        ({}, NodeRateLimiter),
    ):
        assert type(redis_limiter(redis, asked)) is kind
