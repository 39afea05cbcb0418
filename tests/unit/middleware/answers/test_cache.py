"""Stored responses: what is kept, under which key, and what is answered from the store."""

import base64
import hashlib
from collections.abc import Awaitable
from typing import Any

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version, outcome_of

from sluicegate.chain.exchange import Response
from sluicegate.clock import now
from sluicegate.errors import ConfigError, StoreError
from sluicegate.middleware.answers import stored_response
from sluicegate.middleware.answers.cache import Cache
from sluicegate.wire.headers import Headers, make_field


class DictCache:
    """A cache that answers at once, or later, or not at all."""

    def __init__(self, later: bool = False, away: bool = False) -> None:
        self.values: dict[str, bytes] = {}
        self.ttls: dict[str, float] = {}
        self.later, self.away, self.clearings = later, away, 0

    def _answer(self, value: Any) -> Any:
        async def wait() -> Any:
            if self.away:
                raise StoreError("away")
            return value

        if self.later:
            return wait()
        if self.away:
            raise StoreError("away")
        return value

    def get(self, key: str) -> bytes | Awaitable[bytes | None] | None:
        return self._answer(self.values.get(key))

    def set(self, key: str, value: bytes, ttl_s: float) -> Awaitable[None] | None:
        self.values[key], self.ttls[key] = value, ttl_s
        return self._answer(None)


ALL_SAFE = {"enable_cache": True, "cache_all_safe_requests": True, "cache_timeout": 60}


def cache_of(store: DictCache, options: dict = ALL_SAFE, **paths: Any) -> Cache:
    step = Cache.from_definition(
        make_api(cache_options=options), make_version(extended_paths=paths), make_services(cache=store)
    )
    assert step is not None
    return step


async def ask(
    step: Cache,
    target: str = "/a",
    method: str = "GET",
    headers: dict | None = None,
    body: bytes = b"",
    token: str = "",
):
    """Return the reply from the store, or the exchange that goes on."""
    exchange = make_exchange(target, method, headers, body=body)
    exchange.token = token
    reply = await outcome_of(step.on_request(exchange))
    return reply if reply is not None else exchange


async def answer(step: Cache, exchange: Any, body: bytes = b"body", status: int = 200, **headers: str) -> bool:
    """Have the upstream answer; return whether the answer was held back to be stored."""
    fields = [make_field(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    response = Response(status, Headers(fields), len(body))
    wanted = step.wants_response_body(exchange, response)
    if wanted:
        assert await outcome_of(step.on_response_body(exchange, response, body)) == body
    return wanted


@pytest.mark.parametrize("later", [False, True])
async def test_second_request_is_answered_from_the_store(later: bool) -> None:
    step = cache_of(store := DictCache(later))
    assert await answer(step, await ask(step), Content_Type="a/b", Etag="12345", X_Tyk_Cached_Response="0")
    reply = await ask(step)
    assert (reply.status, reply.body, reply.final, reply.rate_headers) == (200, b"body", True, True)
    assert reply.headers == [(b"Content-Type", b"a/b"), (b"Etag", b"12345"), (b"X-Tyk-Cached-Response", b"1")]
    assert list(store.ttls.values()) == [60]
    not_modified = await ask(step, headers={"If-None-Match": '"x", 12345'})
    assert (not_modified.status, not_modified.body) == (304, b"")
    assert not_modified.headers == [(b"Etag", b"12345"), (b"X-Tyk-Cached-Response", b"1")]
    assert (await ask(step, headers={"If-None-Match": "other"})).status == 200


async def test_what_was_asked_for_before_the_store_was_cleared_is_not_stored() -> None:
    step = cache_of(store := DictCache())
    exchange = await ask(step)
    store.clearings += 1
    await answer(step, exchange)
    assert not store.values
    assert await answer(step, await ask(step))
    assert store.values


async def test_key_and_value_are_tyk_s() -> None:
    step = cache_of(store := DictCache(), {**ALL_SAFE, "cache_by_headers": ["tenant-id", "X-None"]})
    await answer(step, await ask(step, "/a?b=1", headers={"Tenant-Id": "t"}, token="tok"), X_A="1")
    digest = hashlib.md5(b"GET-/a?b=1-tenant-id-tX-None-").hexdigest()
    ((key, value),) = store.values.items()
    assert key == f"cache-a1a1tok{digest}"
    encoded, expiry = value.split(b"|")
    assert base64.b64decode(encoded) == b"HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 4\r\n\r\nbody"
    assert 55 < int(expiry) - now() <= 60


async def test_callers_methods_and_urls_are_apart() -> None:
    step = cache_of(DictCache())
    await answer(step, await ask(step, token="one"))
    for other in ({"token": "two"}, {}, {"target": "/b", "token": "one"}, {"method": "HEAD", "token": "one"}):
        assert (await ask(step, **other)).caching is not None
    assert (await ask(step, method="POST")).caching is None


@pytest.mark.parametrize(("location", "apart"), [("header", True), ("", True), ("url", False), ("url-param", False)])
async def test_versions_are_apart_where_the_url_does_not_tell_them(location: str, apart: bool) -> None:
    api = make_api(
        cache_options=ALL_SAFE,
        version_data={"not_versioned": False},
        definition={"location": location},
    )
    step = Cache.from_definition(api, make_version(), make_services(cache=DictCache()))
    assert step is not None
    exchange = make_exchange("/a", version_name="v1")
    assert await outcome_of(step.on_request(exchange)) is None
    await answer(step, exchange)
    reply = await outcome_of(step.on_request(make_exchange("/a", version_name="v2")))
    assert (reply is None) is apart


async def test_endpoints_have_their_own_terms() -> None:
    advanced = [
        {"method": "PUT", "path": "/p", "cache_key_regex": "id=[0-9]+", "cache_response_codes": [404], "timeout": 5},
        {"method": "GET", "path": "/off", "disabled": True},
    ]
    options = {"enable_cache": True, "cache_timeout": 60, "cache_response_codes": [200]}
    step = cache_of(store := DictCache(), options, cache=["/c"], advance_cache_config=advanced)
    assert (await ask(step, "/x")).caching is None
    assert (await ask(step, "/off")).caching is None
    assert not await answer(step, await ask(step, "/c"), status=404)
    assert await answer(step, await ask(step, "/c", "HEAD"), body=b"")
    assert await answer(step, await ask(step, "/p", "PUT", body=b"id=1;x"), status=404)
    assert sorted(store.ttls.values()) == [5, 60]
    assert (await ask(step, "/p", "PUT", body=b"y;id=1")).status == 404
    assert (await ask(step, "/p", "PUT", body=b"id=2")).caching is not None


async def test_upstream_control() -> None:
    options = {**ALL_SAFE, "cache_response_codes": [200], "enable_upstream_cache_control": True}
    step = cache_of(store := DictCache(), options)
    assert not await answer(step, await ask(step), status=500)
    assert await answer(step, await ask(step), status=500, X_Tyk_Cache_Action_Set="1", X_Tyk_Cache_Action_Set_TTL="7")
    assert list(store.ttls.values()) == [7]
    step = cache_of(store := DictCache(), {**options, "cache_control_ttl_header": "x-mine"})
    assert not await answer(step, await ask(step), X_Mine="0")
    assert await answer(step, await ask(step), X_Mine="9", X_Tyk_Cache_Action_Set_TTL="7")
    assert list(store.ttls.values()) == [9]


@pytest.mark.parametrize(("said", "stored"), [("0", False), ("-3", False), ("soon", True), ("--3", True)])
async def test_an_upstream_may_say_that_a_response_is_old_already(said: str, stored: bool) -> None:
    step = cache_of(DictCache(), {**ALL_SAFE, "enable_upstream_cache_control": True})
    kept = await answer(step, await ask(step), X_Tyk_Cache_Action_Set="1", X_Tyk_Cache_Action_Set_TTL=said)
    assert bool(kept) is stored


async def test_what_is_never_stored() -> None:
    step = cache_of(DictCache())
    for status, headers in ((206, {}), (304, {}), (200, {"Content_Type": "text/event-stream"})):
        assert not await answer(step, await ask(step), status=status, **headers)
    exchange = await ask(step)
    assert not step.wants_response_body(exchange, Response(200, Headers(), 1 << 30))
    step = cache_of(DictCache(), {**ALL_SAFE, "cache_timeout": 0})
    assert not await answer(step, await ask(step))


@pytest.mark.parametrize("later", [False, True])
async def test_a_store_that_is_away_fails_nothing(later: bool) -> None:
    step = cache_of(store := DictCache(later))
    exchange = await ask(step)
    store.away = True
    assert await answer(step, exchange)
    assert (await ask(step)).caching is None


async def test_what_cannot_be_read_is_asked_for_anew() -> None:
    step = cache_of(store := DictCache())
    await answer(step, await ask(step))
    (key,) = store.values
    wire = base64.b64encode(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort")
    late = str(int(now()) + 60).encode()
    for value in (
        b"",
        b"|",
        b"x",
        b"!!|" + late,
        wire + b"|" + late,
        wire + b"|1",
        base64.b64encode(b"x") + b"|" + late,
    ):
        store.values[key] = value
        assert (await ask(step)).caching is not None


def test_chunked_ones_of_tyk_are_read() -> None:
    wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    stored = stored_response.read(base64.b64encode(wire) + b"|99", b"GET", 98)
    assert stored is not None
    assert (stored.status, stored.headers.get(b"x-a"), stored.body) == (200, b"1", b"abc")


def test_off() -> None:
    services = make_services(cache=DictCache())
    for fields in (
        {},
        {"cache_options": {"enable_cache": True}},
        {"cache_options": ALL_SAFE, "application_protocol": "mcp"},
    ):
        assert Cache.from_definition(make_api(**fields), make_version(), services) is None
    bad = make_version(
        extended_paths={"advance_cache_config": [{"method": "PUT", "path": "/", "cache_key_regex": "("}]}
    )
    with pytest.raises(ConfigError, match="cache_key_regex"):
        Cache.from_definition(make_api(cache_options=ALL_SAFE), bad, services)
