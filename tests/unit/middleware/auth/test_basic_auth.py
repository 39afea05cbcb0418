"""Users and their passwords: contract 08.3."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import bcrypt
import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version, outcome_of, session_of

from sluicegate.apidef.policy import PolicyBook
from sluicegate.chain import passwords
from sluicegate.chain.exchange import Exchange
from sluicegate.chain.passwords import NOBODY
from sluicegate.errors import ConfigError, StoreError
from sluicegate.middleware.auth import basic_auth
from sluicegate.middleware.auth.basic_auth import BasicAuth
from sluicegate.store.keys import FoundKey, KeyStore
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.shared_counters import SharedCounters
from sluicegate.store.tokens import hash_token, make_token

BCRYPT = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
BODY = {"extract_from_body": True, "body_user_regexp": "<u>(.*)</u>", "body_password_regexp": "<p>(.*)</p>"}


def shown(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


async def key_store(settings: Any) -> KeyStore:
    """Return a store with users whose password is "secret", and with a key that has none."""
    backend = MemoryBackend()
    keys = KeyStore(settings, backend, PolicyBook(), SharedCounters(None))
    sessions = {
        make_token("default", "plain", settings.hash_key_function): '{"password":"secret"}',
        make_token("default", "slow", settings.hash_key_function): f'{{"password":"{BCRYPT}","hash_type":"bcrypt"}}',
        make_token("default", "unsaid", settings.hash_key_function): f'{{"password":"{BCRYPT}","hash_type":"new"}}',
        make_token("default", "a-key", settings.hash_key_function): "{}",
        "defaultolder": '{"password":"secret"}',
    }
    for token, data in sessions.items():
        name = hash_token(token) if settings.hash_keys else token
        await backend.set(f"apikey-{name}", b'{"basic_auth_data":%b,"alias":"found"}' % data.encode())
    return keys


async def ask(
    headers: dict[str, str] | None = None,
    *,
    body: bytes = b"",
    keys: Any = None,
    settings: dict[str, Any] | None = None,
    exchange: Exchange | None = None,
    **fields: Any,
) -> tuple[Any, Exchange]:
    """Return what an API with basic authentication makes of a request."""
    api = make_api(use_basic_auth=True, **fields)
    services = make_services(
        {"hash_key_function": "murmur64", "basic_auth_hash_key_function": "sha256"} | (settings or {})
    )
    services.keys = keys if keys is not None else await key_store(services.settings)
    step = BasicAuth.from_definition(api, make_version(), services)
    assert step is not None
    exchange = exchange or make_exchange(headers=headers, body=body, api=api, services=services)
    return await outcome_of(step.on_request(exchange)), exchange


def told(outcome: Any) -> tuple[int, str]:
    return outcome.status, outcome.code


REFUSED = (401, "basic_auth_refused")


@pytest.mark.parametrize("name", ["plain", "slow", "unsaid", "older", "defaultplain"])
@pytest.mark.parametrize("hash_keys", [True, False])
async def test_a_user_with_the_right_password(name: str, hash_keys: bool) -> None:
    outcome, exchange = await ask(shown(name, "secret"), settings={"hash_keys": hash_keys})
    assert outcome is None and exchange.session is not None and exchange.session.alias == "found"
    assert exchange.token == (
        "defaultolder" if name == "older" else make_token("default", name.removeprefix("default"), "murmur64")
    )
    assert exchange.key_hash == (hash_token(exchange.token) if hash_keys else exchange.token)


async def test_without_a_hash_function_names_have_the_short_form() -> None:
    outcome, exchange = await ask(shown("older", "secret"), settings={"hash_key_function": ""})
    assert outcome is None and exchange.token == "defaultolder"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("plain", "wrong"),
        ("plain", ""),
        ("slow", "wrong"),
        ("nobody", "secret"),
        ("", "secret"),
        ("a-key", ""),
        ("\xff", ""),
    ],
)
async def test_all_else_is_refused_alike(name: str, password: str) -> None:
    outcome, exchange = await ask(shown(name, password), name="The API")
    assert told(outcome) == REFUSED and outcome.message == "User not authorised" and outcome.flag == "AKI"
    assert outcome.headers == ((b"WWW-Authenticate", b'Basic realm="The API"'),)
    assert exchange.session is None


async def test_names_that_are_no_text() -> None:
    pair = {"Authorization": "Basic " + base64.b64encode(b"\xff\x00:\xfe").decode()}
    for settings in ({}, {"hash_keys": False, "hash_key_function": ""}):
        assert told((await ask(pair, settings=settings))[0]) == REFUSED


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, (401, "basic_auth_field_missing")),
        ("", (401, "basic_auth_field_missing")),
        ("Basic", (400, "basic_auth_header_malformed")),
        ("Basic a b", (400, "basic_auth_header_malformed")),
        ("Basic  cGxhaW46c2VjcmV0", (400, "basic_auth_header_malformed")),
        ("not base64", (400, "basic_auth_encoding_invalid")),
        ("Basic cGxhaW46c2VjcmV0=", (400, "basic_auth_encoding_invalid")),
        ("Basic cGxhaW46c2VjcmV", (400, "basic_auth_encoding_invalid")),
        ("Basic cGxh\xefW46c2VjcmV0", (400, "basic_auth_encoding_invalid")),
        ("Basic cGxhaW4=", (400, "basic_auth_values_malformed")),
        ("Basic ====", (400, "basic_auth_encoding_invalid")),
        ("Basic dXNlcjpwYXNzd29yZDptb3Jl", (400, "basic_auth_values_malformed")),
    ],
)
async def test_what_is_no_pair_of_name_and_password(value: str | None, expected: tuple[int, str]) -> None:
    outcome, _ = await ask({} if value is None else {"Authorization": value})
    assert told(outcome) == expected and outcome.flag == ("AMF" if outcome.status == 401 else "IHD")
    assert bool(outcome.headers) == (outcome.status == 401)


async def test_the_scheme_is_not_looked_at() -> None:
    text = shown("plain", "secret")["Authorization"].removeprefix("Basic")
    assert (await ask({"Authorization": "Bearer" + text}))[0] is None


async def test_where_the_credentials_stand() -> None:
    value = shown("plain", "secret")["Authorization"]
    configs = {"basic": {"auth_header_name": "X-User"}}
    assert (await ask({"X-User": value, "Authorization": "x"}, auth_configs=configs))[0] is None
    outcome, _ = await ask({"Authorization": value}, auth_configs=configs)
    assert told(outcome) == (401, "basic_auth_field_missing")
    elsewhere = {"authToken": {"auth_header_name": "X-Key"}}
    assert (await ask({"Authorization": value}, auth={"auth_header_name": "X-Key"}, auth_configs=elsewhere))[0] is None


async def test_a_realm_cannot_break_out_of_its_header() -> None:
    outcome, _ = await ask({}, name='a"b\\c\r\nX: y')
    assert outcome.headers == ((b"WWW-Authenticate", b'Basic realm="a\\"b\\\\c  X: y"'),)


# credentials in the body


async def test_credentials_in_the_body() -> None:
    outcome, exchange = await ask(body=b"<u>plain</u><p>secret</p>", basic_auth=BODY)
    assert outcome is None and exchange.session is not None and exchange.body == b"<u>plain</u><p>secret</p>"
    assert told((await ask(body=b"<u>plain</u><p>wrong</p>", basic_auth=BODY))[0]) == REFUSED
    assert (await ask({"Authorization": "junk"}, body=b"<u>slow</u><p>secret</p>", basic_auth=BODY))[0] is None


async def test_credentials_in_the_header_come_first() -> None:
    assert (await ask(shown("plain", "secret"), body=b"<u>x</u>", basic_auth=BODY))[0] is None
    outcome, _ = await ask(shown("plain", "wrong"), body=b"<u>plain</u><p>secret</p>", basic_auth=BODY)
    assert told(outcome) == REFUSED


@pytest.mark.parametrize(
    ("body", "config", "message"),
    [
        (b"", {}, "Body do not contain username"),
        (b"\xff<u>x</u>", {}, "Body do not contain password"),
        (b"<u>x</u>", {"body_user_regexp": "<u>"}, "username should be inside regexp match group"),
        (b"<u>x</u><p>", {"body_password_regexp": "<p>"}, "password should be inside regexp match group"),
    ],
)
async def test_what_a_body_lacks(body: bytes, config: dict[str, str], message: str) -> None:
    outcome, _ = await ask(body=body, basic_auth={**BODY, **config})
    assert (outcome.status, outcome.message, outcome.flag, outcome.headers) == (400, message, "BIV", ())


@pytest.mark.parametrize("config", [{"body_user_regexp": ""}, {"body_password_regexp": "("}])
def test_patterns_that_are_missing_or_wrong_refuse_the_api(config: dict[str, str]) -> None:
    api = make_api(use_basic_auth=True, basic_auth={**BODY, **config})
    with pytest.raises(ConfigError, match=next(iter(config))):
        BasicAuth.from_definition(api, make_version(), make_services(keys=WaitingKeys()))


# time


class Counting(passwords.Passwords):
    """Passwords of which only is counted what was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Any] = []

    def work_out(self, stored: Any, password: str, kept_s: float) -> Any:
        self.asked.append((stored, kept_s))
        return super().work_out(stored, password, kept_s)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Counting]:
    made: list[Counting] = []

    def make() -> Counting:
        made.append(Counting())
        return made[-1]

    original = make_services

    def services(*arguments: Any, **named: Any) -> Any:
        found = original(*arguments, **named)
        found.passwords = make()
        return found

    monkeypatch.setitem(globals(), "make_services", services)
    return lambda: made[-1]


@pytest.mark.parametrize("pair", [("nobody", "x"), ("", "x"), ("a-key", "")])
async def test_who_is_not_there_takes_as_long_as_who_is(
    pair: tuple[str, str], counting: Callable[[], Counting]
) -> None:
    assert told((await ask(shown(*pair), settings={"basic_auth_hash_key_function": "bcrypt"}))[0]) == REFUSED
    assert counting().asked == [(NOBODY, 0)]
    assert told((await ask(shown(*pair)))[0]) == REFUSED
    assert counting().asked == []


@pytest.mark.parametrize(
    ("config", "kept_s"), [({}, 60), ({"cache_ttl": 5}, 5), ({"cache_ttl": 5, "disable_caching": True}, 0)]
)
async def test_for_how_long_a_password_is_remembered(
    config: dict[str, Any], kept_s: int, counting: Callable[[], Counting]
) -> None:
    assert (await ask(shown("slow", "secret"), basic_auth=config))[0] is None
    assert [one[1] for one in counting().asked] == [kept_s]


@pytest.mark.parametrize("name", ["slow", "nobody"])
async def test_when_too_many_wait(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MOST_WAITING", 0)
    settings = {"basic_auth_hash_key_function": "bcrypt"}
    outcome, _ = await ask(shown(name, "wrong"), settings=settings)
    assert outcome == basic_auth.CROWDED and outcome.status == 503
    assert (await ask(shown("plain", "secret"), settings=settings))[0] is None


# the store


class WaitingKeys:
    """A key store that has to be waited for, and may be away."""

    def __init__(self, is_away: bool = False) -> None:
        self.is_away = is_away

    async def find(self, token: str, org_id: str) -> FoundKey | None:
        if self.is_away:
            raise StoreError("away")
        known = {make_token("default", "new", "murmur64"), "defaultolder"}
        session = session_of(basic_auth_data={"password": "secret"})
        return FoundKey(token, "name", session) if token in known else None


async def test_a_store_that_has_to_be_waited_for() -> None:
    for name in ("new", "older"):
        assert (await ask(shown(name, "secret"), keys=WaitingKeys()))[0] is None
        assert told((await ask(shown(name, "wrong"), keys=WaitingKeys()))[0]) == REFUSED
    assert told((await ask(shown("nobody", "secret"), keys=WaitingKeys()))[0]) == REFUSED


async def test_a_store_that_is_away_is_no_verdict() -> None:
    with pytest.raises(StoreError):
        await ask(shown("plain", "secret"), keys=WaitingKeys(is_away=True))


# with others


@pytest.mark.parametrize(("base", "is_set"), [("", True), ("basic_auth_user", True), ("auth_token", False)])
async def test_whose_session_counts(base: str, is_set: bool) -> None:
    outcome, exchange = await ask(shown("plain", "secret"), base_identity_provided_by=base)
    assert outcome is None and (exchange.session is not None) == is_set == bool(exchange.token)


async def test_a_loop_within_the_api_keeps_its_session_and_no_other_does() -> None:
    exchange = make_exchange(session=session_of())
    exchange.loop_level = 1
    assert told((await ask(exchange=exchange))[0]) == (401, "basic_auth_field_missing")
    exchange.looped_from_self = True
    assert (await ask(exchange=exchange))[0] is None


@pytest.mark.parametrize("fields", [{}, {"use_basic_auth": True, "use_keyless": True}])
def test_unless_asked_for_it_is_not_there(fields: dict[str, Any]) -> None:
    assert BasicAuth.from_definition(make_api(**fields), make_version(), make_services()) is None
