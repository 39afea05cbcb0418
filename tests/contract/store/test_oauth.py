"""OAuth records over every store, with those that Tyk nodes write beside ours: contracts 05.1, 08.5."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable

import pytest
from msgspec.structs import replace
from tests.topologies import options_for

from sluicegate.apidef.oauth import AccessData, AuthorizeData, OAuthClient
from sluicegate.apidef.policy import PolicyBook
from sluicegate.apidef.session import Session
from sluicegate.settings.model import Settings
from sluicegate.store.keys import KeyStore
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.oauth import OAuthRecords
from sluicegate.store.oauth_purge import OAuthPurge
from sluicegate.store.oauth_tokens import make_oauth
from sluicegate.store.reach import Reach
from sluicegate.store.redis import RedisBackend
from sluicegate.store.shared_counters import SharedCounters
from sluicegate.store.sqlite import SqliteBackend
from sluicegate.store.tokens import make_token

CLIENT = OAuthClient("c1", "secret", "http://client.test", policyid="p1")
TYKS = b'{"id":"old","secret":"s","redirecturi":"http://old.test","meta_data":null,"policyid":"","description":"d"}'


@pytest.fixture(params=["memory", "file", "single", "sentinel", "cluster"])
async def backend(request, tmp_path):
    if request.param == "memory":
        made = MemoryBackend()
    elif request.param == "file":
        made = SqliteBackend(tmp_path / "store")
    else:
        made = RedisBackend(options_for(request.param, request))
    yield made
    await made.close()


@pytest.fixture
def records(backend) -> OAuthRecords:
    return OAuthRecords(backend)


def tokens_over(backend, **settings):
    keys = KeyStore(Settings(**settings), backend, PolicyBook(), SharedCounters(None))
    return make_oauth(backend, keys, Reach(backend, 5.0))


async def issued(tokens, number: str, refresh: str = "", client: OAuthClient = CLIENT, lives_s: int = 100) -> str:
    """Return a new access token."""
    token = make_token("org", number, "murmur64")
    access = AccessData(client, access_token=token, refresh_token=refresh, expires_in=lives_s)
    session = Session(org_id="org", expires=int(time.time()) + lives_s, oauth_client_id=client.id)
    await tokens.issue("a1", access, session, session_ttl_s=1000, refresh_ttl_s=2000)
    return token


async def test_clients_are_written_as_tyk_reads_them(backend, records):
    await records.write_client("a1", "org", CLIENT)
    await records.write_client("a1", "org", OAuthClient("c2"))
    await records.write_client("a1", "org", CLIENT)  # once more, and now it is the last
    data = b'{"id":"c1","secret":"secret","redirecturi":"http://client.test","policyid":"p1","description":""}'
    assert await backend.get("oauth-data.a1.oauth-clientid.c1") == data
    listed = await backend.list_items("oauth-data.a1.oauth-client-index.org")
    assert listed == [b"oauth-clientid.c2", b"oauth-clientid.c1"]
    copies = await backend.set_members("oauth-data.a1.oauth-clientset.oauth-clientid.")
    assert sorted(json.loads(copy)["id"] for copy in copies) == ["c1", "c2"]
    assert [one.id for one in await records.clients("a1", "org")] == ["c2", "c1"]
    assert await records.client("a1", "c1") == CLIENT
    assert await records.client("a2", "c1") is None


async def test_changes_of_a_client_at_once_lose_none(backend, records):
    await records.write_client("a1", "org", OAuthClient("c1", "0", description="0"))

    def count_up(field: str):
        return lambda client: replace(client, **{field: str(int(getattr(client, field)) + 1)})

    fields = ["secret", "description"] * 10
    await asyncio.gather(*(records.change_client("a1", "org", "c1", count_up(field)) for field in fields))
    client = await records.client("a1", "c1")
    assert (client.secret, client.description) == ("10", "10")
    assert await records.clients("a1", "org") == [client]
    before, after = await records.change_client("a1", "org", "c1", count_up("secret"))
    assert (before.secret, after.secret) == ("10", "11")
    assert await records.change_client("a1", "org", "none", count_up("secret")) is None
    assert await records.client("a1", "none") is None


async def test_clients_of_tyk_are_found_in_its_list_and_in_its_set(backend, records):
    await backend.set("oauth-data.a1.oauth-clientid.old", TYKS)
    assert await records.clients("a1", "org") == []
    await backend.set_add("oauth-data.a1.oauth-clientset.oauth-clientid.", TYKS, b"no client")
    assert [one.description for one in await records.clients("a1", "org")] == ["d"]
    await backend.list_append("oauth-data.a1.oauth-client-index.org", b"oauth-clientid.old", b"oauth-clientid.gone")
    assert [one.redirecturi for one in await records.clients("a1", "org")] == ["http://old.test"]
    await records.write_client("a1", "org", OAuthClient("old", description="new"))
    assert [one.description for one in await records.clients("a1", "org")] == ["new"]


async def test_a_client_that_is_removed_leaves_nothing_but_its_tokens(backend, records):
    tokens = tokens_over(backend)
    await records.write_client("a1", "org", CLIENT)
    token = await issued(tokens, "1")
    await records.delete_client("a1", "org", "c1")
    assert sorted(await backend.scan("oauth-data.")) == [f"oauth-data.a1.oauth-access.{token}"]
    await records.delete_client("a1", "org", "c1")


async def test_a_code_lives_for_its_time_and_counts_once(backend, records):
    data = AuthorizeData(CLIENT, "the-code", 250)
    await records.write_code("a1", data)
    assert 200 < await backend.ttl_s("oauth-data.a1.oauth-authorize.the-code") <= 250
    assert await records.code("a1", "the-code") == data
    assert await records.code("a2", "the-code") is None
    assert sum(await asyncio.gather(*(records.take_code("a1", "the-code") for _ in range(20)))) == 1
    assert await records.code("a1", "the-code") is None


async def test_a_refresh_token_counts_once(backend, records):
    await issued(tokens_over(backend), "1", "refresh")
    assert 1900 < await backend.ttl_s("oauth-data.a1.oauth-refresh.refresh") <= 2000
    assert (await records.refresh("a1", "refresh")).client == CLIENT
    assert sum(await asyncio.gather(*(records.take_refresh("a1", "refresh") for _ in range(20)))) == 1
    assert await records.refresh("a1", "refresh") is None


@pytest.mark.parametrize("hash_keys", [False, True])
async def test_a_token_that_ends_takes_no_other_along(backend, hash_keys):
    tokens = tokens_over(backend, hash_keys=hash_keys)
    one, other = await issued(tokens, "1", "r1"), await issued(tokens, "2", "r2")
    names = [tokens.keys.name_of(token) for token in (one, other)]
    told: list[str] = []

    async def tell(ended):
        told.extend(ended)

    tokens.tell = tell
    assert sorted(name for name, _ in await tokens.records.tokens("a1", "c1")) == sorted(names)
    assert 50 < await backend.ttl_s(f"oauth-data.a1.oauth-access.{names[0]}") <= 100
    assert 900 < await backend.ttl_s(f"apikey-{names[0]}") <= 1000
    await tokens.revoke("a1", one, "access_token")
    assert [name for name, _ in await tokens.records.tokens("a1", "c1")] == [names[1]]
    assert not await backend.exists(f"apikey-{names[0]}")
    assert not await backend.exists(f"oauth-data.a1.oauth-access.{names[0]}")
    assert await backend.exists("oauth-data.a1.oauth-refresh.r1")
    assert await backend.exists(f"apikey-{names[1]}")
    assert told == [names[0]]


async def test_all_tokens_of_a_client_end_and_no_others(backend):
    tokens = tokens_over(backend, hash_keys=True)
    for number in "12":
        await issued(tokens, number, f"r{number}")
    kept = await issued(tokens, "3", "r3", OAuthClient("c2"))
    await tokens.end_all("a1", "c1", with_refresh=False)
    assert await tokens.records.tokens("a1", "c1") == []
    assert await backend.exists("oauth-data.a1.oauth-refresh.r1")
    await issued(tokens, "4", "r4")
    await tokens.end_all("a1", "c1", with_refresh=True)
    assert not await backend.exists("oauth-data.a1.oauth-refresh.r4")
    assert await backend.scan("apikey-") == [f"apikey-{tokens.keys.name_of(kept)}"]


async def test_a_new_token_lets_copies_of_other_sessions_be(backend):
    tokens = tokens_over(backend)
    token = await issued(tokens, "1")

    async def find():
        asked = tokens.keys.find(token, "org")
        return await asked if isinstance(asked, Awaitable) else asked

    found = await find()
    other = await issued(tokens, "2")
    assert tokens.keys.find(token, "org") is found
    await tokens.revoke("a1", other)
    assert await find() is not found  # of one that ends, any worker may have a copy


async def test_only_whole_tokens_of_the_api_are_ended(backend):
    tokens = tokens_over(backend, hash_keys=True)
    token = await issued(tokens, "1", "r1")
    name = tokens.keys.name_of(token)
    await tokens.keys.write("no-oauth", Session())
    for text in (name, "no-oauth", "r2"):
        await tokens.revoke("a1", text)
    await tokens.revoke("a2", token)
    assert await backend.exists(f"apikey-{name}") and await backend.exists("apikey-no-oauth")
    await tokens.revoke("a1", "r1")  # whatever it is
    assert not await backend.exists("oauth-data.a1.oauth-refresh.r1")
    assert await backend.exists(f"apikey-{name}")
    await tokens.revoke("a1", token)
    assert not await backend.exists(f"apikey-{name}")


async def test_a_token_that_tyk_filed_under_its_text_is_found(backend):
    tokens = tokens_over(backend, hash_keys=True)
    token = make_token("org", "old", "murmur64")
    await backend.set(
        f"oauth-data.a1.oauth-access.{token}", b'{"Client":{"id":"c1"},"AccessToken":"%b"}' % token.encode()
    )
    await tokens.keys.write(tokens.keys.name_of(token), Session())
    await tokens.revoke("a1", token)
    assert await backend.scan("") == []


async def test_lapsed_tokens_leave_the_lists(backend, records):
    now = int(time.time())
    for name, client in (("a1", "c1"), ("a1", "c2"), ("b1", "c1")):
        place = f"oauth-data.{name}.oauth-client-tokens.{client}"
        for member, score in ((b"old", now - 1000), (b"lapsed", now - 10), (b"live", now + 1000)):
            await backend.sorted_add(place, member, score)
    assert [name for name, _ in await records.tokens("a1", "c1")] == ["live"]
    await records.drop_lapsed("a1", "c1", 100)
    assert len(await backend.sorted_range("oauth-data.a1.oauth-client-tokens.c1", 0, float("inf"))) == 2
    assert len(await backend.sorted_range("oauth-data.a1.oauth-client-tokens.c2", 0, float("inf"))) == 3
    logged: list[str] = []
    purge = OAuthPurge(records, lambda: 5, lambda _level, message, **_: logged.append(message))
    await purge.purge_if_first()
    for name, client in (("a1", "c1"), ("a1", "c2"), ("b1", "c1")):
        left = await backend.sorted_range(f"oauth-data.{name}.oauth-client-tokens.{client}", 0, float("inf"))
        assert left == [(b"live", now + 1000)]
    assert 20 < await backend.ttl_s("oauth-purge-lock") <= 60
    await backend.sorted_add("oauth-data.a1.oauth-client-tokens.c1", b"lapsed", now - 10)
    await purge.purge_if_first()  # another one has just begun
    assert await backend.exists("oauth-data.a1.oauth-client-tokens.c1")
    assert len(await backend.sorted_range("oauth-data.a1.oauth-client-tokens.c1", 0, float("inf"))) == 2
    await purge.purge()
    assert len(await backend.sorted_range("oauth-data.a1.oauth-client-tokens.c1", 0, float("inf"))) == 1
    assert logged == []


async def test_the_road_learns_within_a_second_that_a_client_is_gone(backend, records, monkeypatch):
    tokens = tokens_over(backend)
    await records.write_client("a1", "org", CLIENT)

    async def exists(client_id: str) -> bool:
        found = tokens.clients.exists("a1", client_id)
        return found if isinstance(found, bool) else await found

    assert await exists("c1") and not await exists("c2")
    await records.delete_client("a1", "org", "c1")
    assert tokens.clients.exists("a1", "c1") is True  # at once, whatever the store
    monkeypatch.setattr("sluicegate.store.known_clients.KEPT_S", 0.0)
    assert not await exists("c1")
