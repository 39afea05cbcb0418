"""Tokens and the sessions behind them: contract 08.1."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version, outcome_of, session_of

from sluicegate.apidef.policy import PolicyBook
from sluicegate.chain.exchange import Exchange
from sluicegate.errors import ConfigError, StoreError
from sluicegate.middleware.auth.auth_token import FIELD_MISSING, KEY_UNKNOWN, OTHER_KINDS, AuthToken
from sluicegate.store.keys import FoundKey, KeyStore
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.shared_counters import SharedCounters
from sluicegate.store.tokens import hash_token, make_token

TOKEN = make_token("default", "abc123", "murmur64")


class WaitingKeys:
    """A key store that has to be waited for, and may be away."""

    def __init__(self, is_away: bool = False) -> None:
        self.is_away = is_away

    async def find(self, token: str, org_id: str) -> FoundKey | None:
        if self.is_away:
            raise StoreError("away")
        return FoundKey(token, "name", session_of(alias="later")) if token == TOKEN else None


class AwayKeys:
    def find(self, token: str, org_id: str) -> FoundKey | None:
        raise StoreError("away")


async def key_store(settings: Any) -> KeyStore:
    """Return a store that holds TOKEN and the custom key `custom-key`."""
    backend = MemoryBackend()
    keys = KeyStore(settings, backend, PolicyBook(), SharedCounters(None))
    for token in (TOKEN, make_token("default", "custom-key", settings.hash_key_function)):
        name = hash_token(token) if settings.hash_keys else token
        await backend.set(f"apikey-{name}", b'{"alias":"found","org_id":"default"}')
    return keys


async def ask(
    headers: dict[str, str] | None = None,
    target: str = "/",
    *,
    keys: Any = None,
    settings: dict[str, Any] | None = None,
    exchange: Exchange | None = None,
    **config: Any,
) -> tuple[Any, Exchange]:
    api = make_api(auth_configs={"authToken": config} if config else {})
    services = make_services(settings)
    services.keys = keys if keys is not None else await key_store(services.settings)
    step = AuthToken.from_definition(api, make_version(), services)
    assert step is not None
    exchange = exchange or make_exchange(target, headers=headers, api=api, services=services)
    return await outcome_of(step.on_request(exchange)), exchange


@pytest.mark.parametrize("value", [TOKEN, f"Bearer {TOKEN}", f"bEARER {TOKEN}"])
async def test_a_known_token_in_the_header(value: str) -> None:
    outcome, exchange = await ask({"Authorization": value})
    assert outcome is None and exchange.session is not None and exchange.session.alias == "found"
    assert exchange.token == exchange.key_hash == TOKEN


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, FIELD_MISSING),
        ({"Authorization": ""}, FIELD_MISSING),
        ({"Authorization": "wrong"}, KEY_UNKNOWN),
        ({"Authorization": "ab"}, KEY_UNKNOWN),
        ({"Authorization": "Bearer"}, KEY_UNKNOWN),
        ({"Authorization": f"Basic {TOKEN}"}, KEY_UNKNOWN),
        ({"Authorization": f"{TOKEN}abc"}, KEY_UNKNOWN),
        ({"X-Other": TOKEN}, FIELD_MISSING),
    ],
)
async def test_no_token_and_wrong_tokens(headers: dict[str, str], expected: Any) -> None:
    outcome, exchange = await ask(headers)
    assert outcome == expected and exchange.session is None


async def test_hashed_and_custom_keys() -> None:
    _, exchange = await ask({"Authorization": TOKEN}, settings={"hash_keys": True})
    assert (exchange.token, exchange.key_hash) == (TOKEN, hash_token(TOKEN))
    outcome, exchange = await ask({"Authorization": "custom-key"})
    assert outcome is None and exchange.token == make_token("default", "custom-key")


async def test_the_context_has_the_token_as_it_came() -> None:
    exchange = make_exchange(headers={"Authorization": "Bearer custom-key"})
    exchange.context = {}
    outcome, _ = await ask(exchange=exchange)
    assert outcome is None and exchange.context == {"token": "custom-key"}


async def test_a_source_replaces_the_one_before_it_even_when_it_is_wrong() -> None:
    everywhere = {"use_param": True, "use_cookie": True, "param_name": "key", "cookie_name": "Key"}
    good = {"Authorization": TOKEN}
    assert (await ask({}, f"/?key={TOKEN.replace('=', '%3D')}", **everywhere))[0] is None
    assert (await ask({"Cookie": f"a=1; Key={TOKEN}"}, **everywhere))[0] is None
    assert (await ask(good, "/?key=", **everywhere))[0] is None
    assert (await ask(good, "/?key=wrong", **everywhere))[0] == KEY_UNKNOWN
    assert (await ask({**good, "Cookie": "Key=wrong"}, f"/?key={TOKEN}", **everywhere))[0] == KEY_UNKNOWN
    assert (await ask(good, "/?key=wrong", param_name="key"))[0] is None


async def test_names_of_sources() -> None:
    assert (await ask({"X-Key": TOKEN}, auth_header_name="x-KEY"))[0] is None
    assert (await ask({"Authorization": TOKEN}, disable_header=True))[0] == FIELD_MISSING
    assert (await ask({}, f"/?X-Key={TOKEN}", auth_header_name="X-Key", use_param=True))[0] is None
    config = {"auth_header_name": "X-Key", "use_param": True, "disable_header": True}
    assert (await ask({}, f"/?Authorization={TOKEN}", **config))[0] is None


async def test_the_older_auth_object_counts_without_a_newer_one() -> None:
    services = make_services()
    services.keys = await key_store(services.settings)
    step = AuthToken.from_definition(make_api(auth={"auth_header_name": "X-Key"}), make_version(), services)
    assert step is not None
    assert await outcome_of(step.on_request(make_exchange(headers={"X-Key": TOKEN}))) is None


async def test_a_store_that_has_to_be_waited_for() -> None:
    outcome, exchange = await ask({"Authorization": TOKEN}, keys=WaitingKeys())
    assert outcome is None and exchange.session is not None and exchange.session.alias == "later"
    assert (await ask({"Authorization": "wrong"}, keys=WaitingKeys()))[0] == KEY_UNKNOWN


@pytest.mark.parametrize("keys", [AwayKeys(), WaitingKeys(is_away=True)])
async def test_a_store_that_is_away_is_no_verdict(keys: Any) -> None:
    with pytest.raises(StoreError):
        await ask({"Authorization": TOKEN}, keys=keys)


async def test_a_loop_within_the_api_keeps_its_session_and_no_other_does() -> None:
    exchange = make_exchange(session=session_of())
    exchange.loop_level = 1
    assert (await ask(exchange=exchange))[0] == FIELD_MISSING
    exchange.looped_from_self = True
    assert (await ask(exchange=exchange))[0] is None


async def test_a_loop_may_bring_a_token_of_its_own() -> None:
    exchange = make_exchange(headers={"Authorization": "wrong"})
    exchange.headers.set(b"authorization", TOKEN.encode())
    assert (await ask(exchange=exchange))[0] is None


def test_open_apis_need_no_token() -> None:
    api = make_api(use_keyless=True, enable_jwt=True, auth_configs={"authToken": {"use_certificate": True}})
    assert AuthToken.from_definition(api, make_version(), make_services()) is None


@pytest.mark.parametrize(
    "fields",
    [
        *({field: True} for field in OTHER_KINDS),
        {"external_oauth": {"enabled": True}},
        {"auth": {"use_certificate": True}},
        {"auth_configs": {"authToken": {"use_certificate": True}}},
        {"enable_jwt": True, "use_standard_auth": True},
    ],
)
def test_authentication_that_is_not_served_refuses_the_api(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="not served yet"):
        AuthToken.from_definition(make_api(**fields), make_version(), make_services())


@pytest.mark.parametrize(
    ("fields", "is_there"),
    [
        ({}, True),
        ({"use_basic_auth": True}, False),
        ({"use_basic_auth": True, "auth": {"use_certificate": True}}, False),
        ({"use_basic_auth": True, "use_standard_auth": True}, True),
        ({"use_keyless": True, "use_standard_auth": True}, False),
    ],
)
def test_tokens_are_asked_for_by_name_or_where_nothing_else_is(fields: dict[str, Any], is_there: bool) -> None:
    step = AuthToken.from_definition(make_api(**fields), make_version(), make_services(keys=AwayKeys()))
    assert (step is not None) == is_there


@pytest.mark.parametrize(("base", "is_set"), [("", True), ("auth_token", True), ("basic_auth_user", False)])
async def test_whose_session_counts(base: str, is_set: bool) -> None:
    services = make_services()
    services.keys = await key_store(services.settings)
    api = make_api(base_identity_provided_by=base, use_basic_auth=True, use_standard_auth=True)
    step = AuthToken.from_definition(api, make_version(), services)
    assert step is not None
    exchange = make_exchange(headers={"Authorization": TOKEN})
    exchange.context = {}
    assert await outcome_of(step.on_request(exchange)) is None
    assert (exchange.session is not None) == is_set == bool(exchange.token) == bool(exchange.context)
    assert await outcome_of(step.on_request(make_exchange())) == FIELD_MISSING
