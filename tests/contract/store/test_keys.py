"""Finding keys, over every store: whose token it is, what is kept and when it is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest
from msgspec.structs import replace
from tests.servers import free_port
from tests.topologies import options_for

from sluicegate.apidef.policy import Policy, PolicyBook
from sluicegate.apidef.session import AccessDefinition, Session
from sluicegate.errors import StoreError
from sluicegate.settings.blocks import LocalSessionCache
from sluicegate.settings.model import Settings
from sluicegate.store import keys as keys_module
from sluicegate.store import names
from sluicegate.store.keys import KeyStore
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.redis import RedisBackend
from sluicegate.store.redis.options import RedisOptions
from sluicegate.store.shared_counters import SharedCounters
from sluicegate.store.tokens import make_token

RIGHTS = {"k1": AccessDefinition(api_id="k1", versions=["Default"])}
SESSION = Session(rate=5, per=10, org_id="default", access_rights=RIGHTS)
HASHED = Settings(hash_keys=True, hash_key_function="murmur64", hash_key_function_fallback=["murmur128"])


@pytest.fixture(params=["memory", "single", "cluster"])
async def backend(request):
    if request.param == "memory":
        made = MemoryBackend()
    else:
        made = RedisBackend(options_for(request.param, request))
    yield made
    await made.close()


def key_store(backend, settings: Settings = HASHED, policies: PolicyBook | None = None, **more) -> KeyStore:
    return KeyStore(settings, backend, policies or PolicyBook(), more.pop("counters", SharedCounters(None)), **more)


async def find(keys: KeyStore, token: str, org_id: str = "default"):
    found = keys.find(token, org_id)
    return await found if isinstance(found, Awaitable) else found


async def test_a_token_of_the_org_is_found_by_its_hash(backend):
    keys = key_store(backend)
    token = make_token("default", "abc", "murmur64")
    assert await find(keys, token) is None
    await keys.write(keys.name_of(token), SESSION)
    assert await backend.exists("apikey-" + keys.name_of(token))
    found = await find(keys, token)
    assert (found.token, found.name) == (token, keys.name_of(token))
    assert found.session.rate == 5
    assert keys.find(token, "default") is found  # at once, whatever the store


async def test_a_custom_key_is_found_as_composed_as_bare_and_by_fallbacks(backend):
    keys = key_store(backend)
    for algorithm in ("murmur64", "murmur128"):
        token = make_token("default", "custom", algorithm)
        await keys.write(keys.name_of(token), SESSION)
        assert (await find(keys, "custom")).token == token
        await keys.delete(keys.name_of(token))
        assert await find(keys, "custom") is None
    await keys.write(keys.name_of("custom"), SESSION)
    assert (await find(keys, "custom")).token == "custom"
    bare = key_store(backend, Settings(hash_keys=True, disable_key_actions_by_username=True))
    await keys.delete(keys.name_of("custom"))
    await keys.write(keys.name_of("defaultcustom"), SESSION)
    assert (await find(key_store(backend, Settings(hash_keys=True)), "custom")).token == "defaultcustom"
    assert await find(bare, "custom") is None


async def test_a_key_of_one_org_is_not_another_orgs(backend):
    keys = key_store(backend)
    token = make_token("default", "custom", "murmur64")
    await keys.write(keys.name_of(token), SESSION)
    assert await find(keys, "custom") is not None
    assert await find(keys, "custom", "other") is None


async def test_unhashed_keys_lie_under_their_token(backend):
    keys = key_store(backend, Settings())
    await keys.write("defaultplain\udcff", SESSION, ttl_s=100)
    assert 99 < await backend.ttl_s(names.session("defaultplain\udcff")) <= 100
    assert (await find(keys, "plain\udcff")).name == "defaultplain\udcff"


async def test_a_write_on_any_worker_is_in_force_on_all_at_once(backend):
    counters = SharedCounters(None)
    one, other = key_store(backend, counters=counters), key_store(backend, counters=counters)
    token = make_token("default", "abc", "murmur64")
    await one.write(one.name_of(token), SESSION)
    assert (await find(other, token)).session.rate == 5
    await one.write(one.name_of(token), Session(rate=7, access_rights=RIGHTS))
    assert (await find(other, token)).session.rate == 7
    await one.delete(one.name_of(token))
    assert await find(other, token) is None


async def test_a_copy_is_kept_ten_seconds_or_until_it_is_told(backend, monkeypatch):
    moment = 1000.0
    monkeypatch.setattr(keys_module, "ticks", lambda: moment)
    keys = key_store(backend)
    token = make_token("default", "abc", "murmur64")
    name = keys.name_of(token)
    await keys.write(name, SESSION)
    await find(keys, token)
    await backend.delete(names.session(name))  # behind our back
    assert await find(keys, token) is not None
    moment += 10.1
    assert await find(keys, token) is None

    await keys.write(name, SESSION)
    for tell in (lambda: keys.forget(["other", name]), keys.forget_all):
        await backend.set(names.session(name), b"{}")
        await find(keys, token)
        await backend.delete(names.session(name))
        tell()
        assert await find(keys, token) is None


async def test_nothing_is_kept_when_the_settings_say_so(backend):
    settings = Settings(local_session_cache=LocalSessionCache(disable_cached_session_state=True))
    keys = key_store(backend, settings)
    await keys.write("defaultabc", SESSION)
    await find(keys, "abc")
    await backend.delete("apikey-defaultabc")
    assert await find(keys, "abc") is None


async def test_policies_are_applied_and_a_change_of_them_counts_at_once(backend):
    book = PolicyBook({"p1": Policy(id="p1", org_id="default", rate=50, per=1, access_rights=RIGHTS)})
    logged = []
    keys = key_store(backend, policies=book, log=lambda *line, **fields: logged.append(fields))
    token = make_token("default", "abc", "murmur64")
    name = keys.name_of(token)
    await keys.write(name, Session(org_id="default", apply_policies=["p1"]))
    assert (await find(keys, token)).session.rate == 50
    assert (await keys.read(token, "default")).session.rate == 0  # stored as it was
    book.replace({"p1": Policy(id="p1", org_id="default", rate=60, per=1, access_rights=RIGHTS)})
    assert (await find(keys, token)).session.rate == 60
    book.replace({})
    assert await find(keys, token) is None  # never served without its policy
    assert "policy not found" in logged[0]["reason"]
    assert token not in str(logged)


async def test_a_broken_session_is_not_served_and_does_not_crash(backend):
    keys = key_store(backend, Settings())
    await backend.set("apikey-defaultabc", b"{broken")
    assert await find(keys, "abc") is None
    with pytest.raises(StoreError, match="cannot be read"):
        await keys.load("defaultabc")
    assert [name async for name, _session in keys.sessions(["defaultabc"])] == []


async def test_the_number_of_copies_is_bounded(monkeypatch):
    monkeypatch.setattr(keys_module, "MOST_KEPT", 10)
    backend = MemoryBackend()
    keys = key_store(backend, Settings())
    for number in range(25):
        await backend.set(f"apikey-default{number}", b"{}")
        assert await find(keys, f"{number}") is not None
        assert len(keys._found) <= 10
    assert keys.find("24", "default") is keys._found[("default", "24")]
    keys.forget(["default24", "default0"])
    assert ("default", "24") not in keys._found
    await backend.close()


async def test_a_store_that_is_away_is_no_verdict_about_a_key():
    backend = RedisBackend(RedisOptions((("127.0.0.1", free_port()),)))
    keys = key_store(backend)
    with pytest.raises(StoreError):
        await find(keys, "custom")
    with pytest.raises(StoreError):
        await keys.find_org("default")
    await backend.close()


async def test_a_read_that_was_overtaken_by_a_write_is_not_kept(redis_server):
    backend = RedisBackend(RedisOptions((("127.0.0.1", redis_server.port),)))
    keys = key_store(backend, Settings())
    await keys.write("defaultabc", SESSION)
    reading = asyncio.ensure_future(keys.find("abc", "default"))
    await asyncio.sleep(0)
    keys.forget(["defaultabc"])
    assert (await reading).session.rate == 5
    assert keys._found == {}
    await backend.close()


async def test_administrators_read_and_list(backend):
    keys = key_store(backend, Settings())
    long = make_token("default", "long", "murmur64")
    for name in ("defaultabc", long, "otherabc"):
        await keys.write(name, SESSION)
    assert await keys.list_names() == sorted(["defaultabc", long, "otherabc"])
    assert await keys.list_names("default") == sorted(["defaultabc", long])
    assert (await keys.read("abc", "default")).name == "defaultabc"
    assert (await keys.read("otherabc", "", hashed=True)).session.rate == 5
    assert await keys.read("none", "default", hashed=True) is None
    assert await keys.load("none") is None
    assert [name async for name, session in keys.sessions(["otherabc", "gone"]) if session.rate == 5] == ["otherabc"]
    assert await keys.delete("otherabc")
    assert not await keys.delete("otherabc")


async def test_changes_at_once_lose_none(backend):
    first, second = key_store(backend), key_store(backend)
    await first.write("a", SESSION, 500)

    def tagged(number: int):
        return lambda session: replace(session, tags=[*session.tags, str(number)])

    await asyncio.gather(*((first, second)[number % 2].change("a", tagged(number)) for number in range(20)))
    assert sorted((await first.load("a")).tags, key=int) == [str(number) for number in range(20)]
    assert 490 < await backend.ttl_s("apikey-a") <= 500
    before, after = await first.change("a", lambda session: replace(session, rate=6), lambda session: session.rate * 10)
    assert (before.rate, after.rate) == (5, 6)
    assert 50 < await backend.ttl_s("apikey-a") <= 60
    await backend.delete("apikey-a")
    assert await first.change("a", tagged(1)) is None
    assert not await backend.exists("apikey-a")


async def test_sessions_of_organisations(backend):
    keys = key_store(backend)

    async def find_org(org_id):
        found = keys.find_org(org_id)
        return await found if isinstance(found, Awaitable) else found

    assert await find_org("default") is None
    await keys.write_org("default", SESSION)
    assert await backend.exists("orgkey.default")
    assert (await find_org("default")).rate == 5
    assert (await keys.load_org("default")).rate == 5
    assert await keys.list_orgs() == ["default"]
    assert await keys.list_orgs("x") == []
    await backend.delete("orgkey.default")
    assert await find_org("default") is not None
    keys.forget(["2f25c839"])  # how a node of Tyk names it
    assert await find_org("default") is None
    await keys.write_org("default", SESSION)
    assert await keys.delete_org("default")
    assert await find_org("default") is None
