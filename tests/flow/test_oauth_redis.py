"""OAuth data that a Tyk node left in Redis are served, and what is written is what Tyk writes: contract 05.1."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.flow.test_oauth import BASIC, FORM, META, OWNER, POLICIES, RULES, agree, call, post, refused, token
from tests.flow.test_redis_store import CHANNEL, SECRET, signed
from tests.gateway import Gateway, api, until
from tests.servers import RestartableRedis
from tests.upstreams import Upstream
from tests.wire import get, request

TOKEN = "eyJvcmciOiI1ZTlkOTU0NGExZGNkNjAwMDFkMGVkMjAiLCJpZCI6ImFiYzEyMyIsImgiOiJtdXJtdXI2NCJ9"
HASH = "310d0e5d8d1ee787"  # of that token
CLIENT = (
    '{"id":"c1","secret":"client-secret","redirecturi":"http://client.test/back",'
    '"meta_data":{"team":"red"},"policyid":"p1","description":"of Tyk"}'
)
EMPTY = '"Scope":"","RedirectUri":"http://client.test/back"'
CREATED = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,8}[1-9])?Z"
AUTHORIZE = (
    f'{{"Client":{CLIENT},"Code":"CODE","ExpiresIn":250,{EMPTY},"State":"st","CreatedAt":"CREATED","UserData":RULES}}'
)
ACCESS = (
    f'{{"Client":{CLIENT},"AuthorizeData":AUTHORIZED,"AccessData":EARLIER,"AccessToken":"ACCESS",'
    f'"RefreshToken":"REFRESH","ExpiresIn":3600,{EMPTY},"CreatedAt":"CREATED","UserData":RULES}}'
)
MOMENT = "2026-11-23T10:00:00.123456789+01:00"
TEXT_OF_RULES = json.dumps(json.dumps(RULES))


def filled(form: str, **parts: str) -> str:
    """Return a record with the parts that differ from one to the next."""
    for name, text in {"AUTHORIZED": "null", "EARLIER": "null", "CREATED": MOMENT, "RULES": "null", **parts}.items():
        form = form.replace(name, text)
    return form


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestartableRedis]:
    one = RestartableRedis(tmp_path_factory.mktemp("redis"))
    yield one
    one.stop()


def node(folder: Path, upstream: Upstream, redis: RestartableRedis, workers: int = 1) -> Gateway:
    folder.mkdir(exist_ok=True)
    storage = {"type": "redis", "host": "127.0.0.1", "port": redis.port, "timeout": 3}
    secured = {"use_keyless": False, "use_oauth2": True, "oauth_meta": META}
    conf = {"storage": storage, "node_secret": SECRET, "hash_key_function": "murmur64"}
    conf["oauth_token_expired_retain_period"] = 50
    apis = [api("/oauth/", upstream.url, **secured)]
    return Gateway(folder, apis=apis, policies=POLICIES, conf=conf, workers=workers)


@pytest.fixture(scope="module")
def nodes(
    upstream: Upstream, shared: RestartableRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gateway, Gateway]]:
    """Two nodes with one Redis, in which a Tyk node has put a client."""
    put(shared, "oauth-data.oauth.oauth-clientid.c1", CLIENT)
    shared.server.command("RPUSH", "oauth-data.oauth.oauth-client-index.org", "oauth-clientid.c1")
    shared.server.command("SADD", "oauth-data.oauth.oauth-clientset.oauth-clientid.", CLIENT)
    folder = tmp_path_factory.mktemp("nodes")
    with node(folder / "one", upstream, shared, 2) as one, node(folder / "two", upstream, shared) as two:
        yield one, two


def put(redis: RestartableRedis, name: str, value: str) -> None:
    assert redis.server.command("SET", name, value) == "OK"


def read(redis: RestartableRedis, name: str) -> str:
    return redis.server.command("GET", name)


def matches(form: str, record: str, **parts: str) -> bool:
    """Return whether a record has the form, to the byte but for the moment when it was made."""
    pattern = re.escape(filled(form, **{"CREATED": "MOMENT", **parts})).replace("MOMENT", CREATED)
    return re.fullmatch(pattern, record) is not None


def test_a_token_of_tyk_is_served(nodes: tuple[Gateway, Gateway], shared: RestartableRedis) -> None:
    put(shared, f"apikey-{HASH}", json.dumps({**RULES, "oauth_client_id": "c1", "expires": int(time.time()) + 600}))
    put(shared, f"oauth-data.oauth.oauth-access.{HASH}", filled(ACCESS, ACCESS=TOKEN, REFRESH="of-tyk"))
    shared.server.command("ZADD", "oauth-data.oauth.oauth-client-tokens.c1", "9000000000", HASH)
    one, two = nodes
    assert [call(gateway, TOKEN).status for gateway in nodes] == [200, 200]
    assert one.admin("GET", "/tyk/oauth/clients/oauth")[1][0]["description"] == "of Tyk"
    assert one.admin("GET", "/tyk/oauth/clients/oauth/c1/tokens")[1] == [{"code": HASH, "expires": 9_000_000_000}]
    assert post(one, "/oauth/oauth/revoke", {"token": TOKEN}).status == 200
    until(lambda: call(two, TOKEN).status == 403, "the other node hears of it")
    assert shared.server.command("EXISTS", f"apikey-{HASH}", f"oauth-data.oauth.oauth-access.{HASH}") == "0"
    assert two.admin("GET", "/tyk/oauth/clients/oauth/c1/tokens")[1] == []


def test_a_code_and_a_refresh_token_of_tyk_count(nodes: tuple[Gateway, Gateway], shared: RestartableRedis) -> None:
    one, two = nodes
    put(shared, "oauth-data.oauth.oauth-authorize.of-tyk", filled(AUTHORIZE, CODE="of-tyk", RULES=TEXT_OF_RULES))
    said = json.loads(token(one, grant_type="authorization_code", code="of-tyk").body)
    assert call(two, said["access_token"]).status == 200
    earlier = filled(ACCESS, ACCESS="older", REFRESH="older")
    record = filled(ACCESS, ACCESS=TOKEN, REFRESH="of-tyk", EARLIER=earlier, RULES=TEXT_OF_RULES)
    put(shared, "oauth-data.oauth.oauth-refresh.of-tyk", record)
    said = json.loads(token(two, grant_type="refresh_token", refresh_token="of-tyk").body)
    assert call(one, said["access_token"]).status == 200
    assert shared.server.command("EXISTS", "oauth-data.oauth.oauth-refresh.of-tyk") == "0"


def test_what_is_written_is_what_tyk_writes(nodes: tuple[Gateway, Gateway], shared: RestartableRedis) -> None:
    one, two = nodes
    rules = json.dumps(RULES)
    code = agree(one, state="st")["code"]
    name = f"oauth-data.oauth.oauth-authorize.{code}"
    stored_code = read(shared, name)
    assert matches(AUTHORIZE, stored_code, CODE=code, RULES=json.dumps(rules))
    assert 240 < int(shared.server.command("TTL", name)) <= 250
    first = json.loads(token(two, grant_type="authorization_code", code=code).body)
    parts = {"ACCESS": first["access_token"], "REFRESH": first["refresh_token"], "RULES": json.dumps(rules)}
    name = f"oauth-data.oauth.oauth-refresh.{first['refresh_token']}"
    stored = read(shared, name)
    assert matches(ACCESS, stored, AUTHORIZED=stored_code, **parts)
    assert 1_209_500 < int(shared.server.command("TTL", name)) <= 1_209_600
    (listed,) = [
        one_of for one_of in one.admin("GET", "/tyk/oauth/clients/oauth/c1/tokens")[1] if _is(one_of, shared, first)
    ]
    assert 3590 < int(shared.server.command("TTL", f"oauth-data.oauth.oauth-access.{listed['code']}")) <= 3600
    assert read(shared, f"oauth-data.oauth.oauth-access.{listed['code']}") == stored
    session = json.loads(read(shared, f"apikey-{listed['code']}"))
    assert (session["oauth_client_id"], session["meta_data"]) == ("c1", {"team": "red"})
    assert session["expires"] == listed["expires"]
    second = json.loads(token(one, grant_type="refresh_token", refresh_token=first["refresh_token"]).body)
    parts = {"ACCESS": second["access_token"], "REFRESH": second["refresh_token"], "RULES": json.dumps(rules)}
    stored_again = read(shared, f"oauth-data.oauth.oauth-refresh.{second['refresh_token']}")
    assert matches(ACCESS, stored_again, EARLIER=stored, **parts)


def _is(listed: dict[str, Any], redis: RestartableRedis, said: dict[str, Any]) -> bool:
    record = read(redis, f"oauth-data.oauth.oauth-access.{listed['code']}")
    return f'"AccessToken":"{said["access_token"]}"' in record


def test_clients_are_written_as_tyk_writes_them(nodes: tuple[Gateway, Gateway], shared: RestartableRedis) -> None:
    one, two = nodes
    body = {"client_id": "c<2>", "secret": "s", "api_id": "oauth", "redirect_uri": "http://a.test?b&c"}
    assert one.admin("POST", "/tyk/oauth/clients/create", body)[0] == 200
    record = (
        '{"id":"c\\u003c2\\u003e","secret":"s","redirecturi":"http://a.test?b\\u0026c","policyid":"","description":""}'
    )
    assert read(shared, "oauth-data.oauth.oauth-clientid.c<2>") == record
    listed = shared.server.command("LRANGE", "oauth-data.oauth.oauth-client-index.org", "0", "-1").split("\n")
    assert listed == ["oauth-clientid.c1", "oauth-clientid.c<2>"]
    assert record in shared.server.command("SMEMBERS", "oauth-data.oauth.oauth-clientset.oauth-clientid.").split("\n")
    assert two.admin("DELETE", "/tyk/oauth/clients/oauth/c%3C2%3E")[0] == 200
    assert shared.server.command("LLEN", "oauth-data.oauth.oauth-client-index.org") == "1"
    assert shared.server.command("SCARD", "oauth-data.oauth.oauth-clientset.oauth-clientid.") == "1"


def test_a_code_counts_once_over_all_nodes(nodes: tuple[Gateway, Gateway]) -> None:
    code = agree(nodes[0])["code"]
    with ThreadPoolExecutor(16) as pool:
        asked = [nodes[number % 2] for number in range(16)]
        answers = list(pool.map(lambda one: token(one, grant_type="authorization_code", code=code).status, asked))
    assert sorted(answers) == [200] + [403] * 15


def test_lapsed_tokens_go_when_a_node_of_tyk_asks(nodes: tuple[Gateway, Gateway], shared: RestartableRedis) -> None:
    command = shared.server.command
    place = "oauth-data.elsewhere.oauth-client-tokens.c9"
    lapsed = str(int(time.time()) - 100)
    until(lambda: command("PUBSUB", "NUMSUB", CHANNEL).split() == [CHANNEL, "3"])
    command("ZADD", place, lapsed, "old", "9000000000", "live")
    command("PUBLISH", CHANNEL, signed("OAuthPurgeLapsedTokens"))
    until(lambda: command("ZRANGE", place, "0", "-1") == "live", "the lapsed token is gone")
    assert 0 < int(command("TTL", "oauth-purge-lock")) <= 60


def test_nodes_of_tyk_are_asked_too(nodes: tuple[Gateway, Gateway], shared: RestartableRedis) -> None:
    with listening(shared, CHANNEL) as hear:
        assert nodes[0].admin("DELETE", "/tyk/oauth/tokens?scope=lapsed")[0] == 200
        said = hear("OAuthPurgeLapsedTokens")
    assert json.loads(said) == json.loads(signed("OAuthPurgeLapsedTokens"))


def test_nodes_are_told_that_a_client_is_gone(nodes: tuple[Gateway, Gateway], shared: RestartableRedis) -> None:
    one, two = nodes
    client = {"client_id": "c3", "api_id": "oauth", "policy_id": "p1", "redirect_uri": "http://client.test/back"}
    assert one.admin("POST", "/tyk/oauth/clients/create", client)[0] == 200
    access_token = agree(two, client_id="c3", response_type="token")["access_token"]
    assert call(two, access_token).status == 200
    with listening(shared, "sluicegate.cluster") as hear:
        assert one.admin("DELETE", "/tyk/oauth/clients/oauth/c3")[0] == 200
        said = hear("ClusterOAuthClient")
    assert json.loads(said)["payload"] == "oauth-data.oauth.oauth-clientid.c3"
    until(lambda: call(two, access_token).status == 403, "the other node has asked anew")


@contextmanager
def listening(redis: RestartableRedis, channel: str) -> Iterator[Callable[[str], str]]:
    """Give what waits for a message on the channel with a word in it, and returns it."""
    line = ["redis-cli", "-p", str(redis.port), "SUBSCRIBE", channel]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as listener:
        assert listener.stdout is not None

        def hear(word: str) -> str:
            assert listener.stdout is not None
            while word not in (said := listener.stdout.readline()):
                assert said, "redis-cli has ended"
            return said

        try:
            hear("subscribe")
            yield hear
        finally:
            listener.kill()


def test_while_redis_is_away_known_tokens_go_on(tmp_path: Path, upstream: Upstream, redis: RestartableRedis) -> None:
    put(redis, "oauth-data.oauth.oauth-clientid.c1", CLIENT)
    with node(tmp_path / "node", upstream, redis) as gateway:
        known = agree(gateway, response_type="token")["access_token"]
        assert call(gateway, known).status == 200
        redis.stop()
        assert {call(gateway, known).status for _ in range(5)} == {200}
        assert refused(call(gateway, "never-seen")) == (503, "Store unavailable, try again later")
        assert token(gateway, grant_type="client_credentials").status == 503
        asked = request(
            "POST", "/oauth/tyk/oauth/authorize-client", FORM, OWNER, body=b"response_type=code&client_id=c1"
        )
        assert gateway.ask(asked).status == 503
        assert gateway.ask(get("/oauth/x", BASIC)).status == 400
        redis.start()
        until(lambda: refused(call(gateway, "never-seen")) == (403, "Key not authorised"))
