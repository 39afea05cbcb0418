"""OAuth tokens and the sessions behind them: contract 08.5."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version, outcome_of, session_of

from sluicegate.apidef.oauth import OAuthClient
from sluicegate.apidef.policy import PolicyBook
from sluicegate.chain.exchange import Exchange
from sluicegate.errors import StoreError
from sluicegate.middleware.auth.oauth2 import CLIENT_GONE, MALFORMED, MISSING, UNKNOWN, OAuth2
from sluicegate.store.keys import FoundKey, KeyStore
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.oauth_tokens import make_oauth
from sluicegate.store.reach import Reach
from sluicegate.store.shared_counters import SharedCounters
from sluicegate.store.tokens import make_token

TOKEN = make_token("default", "abc123", "murmur64")
SESSION = b'{"alias":"found","org_id":"default","oauth_client_id":"c1"}'


class Waiting:
    """Keys and clients that have to be waited for."""

    def __init__(self, client_is_there: bool | StoreError = True, key_is_there: bool = True) -> None:
        self.client_is_there, self.key_is_there = client_is_there, key_is_there

    async def find(self, token: str, org_id: str) -> FoundKey | None:
        return FoundKey(token, "name", session_of(alias="later")) if self.key_is_there else None

    async def exists(self, api_id: str, client_id: str) -> bool:
        if isinstance(self.client_is_there, StoreError):
            raise self.client_is_there
        return self.client_is_there


async def ask(
    headers: dict[str, str] | None = None,
    *,
    waiting: Waiting | None = None,
    exchange: Exchange | None = None,
    client: str = "c1",
    **fields: Any,
) -> tuple[Any, Exchange]:
    services = make_services()
    backend = MemoryBackend()
    services.keys = KeyStore(services.settings, backend, PolicyBook(), SharedCounters(None))
    services.oauth = make_oauth(backend, services.keys, Reach(backend, 1.0))
    await backend.set(f"apikey-{TOKEN}", SESSION)
    await backend.set("apikey-" + make_token("default", "no-oauth"), b'{"org_id":"default"}')
    await services.oauth.records.write_client("a1", "default", OAuthClient(client))
    if waiting is not None:
        services.keys, services.oauth.clients = waiting, waiting  # type: ignore[assignment]
    api = make_api(use_oauth2=True, **fields)
    step = OAuth2.from_definition(api, make_version(), services)
    assert step is not None
    exchange = exchange or make_exchange(headers=headers, api=api, services=services)
    return await outcome_of(step.on_request(exchange)), exchange


@pytest.mark.parametrize("value", [f"Bearer {TOKEN}", f"bEARER {TOKEN} more"])
async def test_a_known_token(value: str) -> None:
    outcome, exchange = await ask({"Authorization": value})
    assert outcome is None and exchange.session is not None and exchange.session.alias == "found"
    assert exchange.token == exchange.key_hash == TOKEN


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, MISSING),
        ({"Authorization": TOKEN}, MISSING),
        ({"Authorization": f"Basic {TOKEN}"}, MALFORMED),
        ({"Authorization": "Bearer ab"}, UNKNOWN),
        ({"Authorization": "Bearer nobody"}, UNKNOWN),
        ({"Authorization": "Bearer no-oauth"}, CLIENT_GONE),
    ],
)
async def test_what_is_refused(headers: dict[str, str], expected: Any) -> None:
    outcome, exchange = await ask(headers)
    assert outcome == expected and exchange.session is None


async def test_the_same_head_is_not_read_again() -> None:
    services = make_services()
    services.keys, services.oauth = Waiting(), make_oauth(MemoryBackend(), Waiting(), Reach(MemoryBackend(), 1.0))  # type: ignore[assignment,arg-type]
    services.oauth.clients = Waiting()  # type: ignore[assignment]
    step = OAuth2.from_definition(make_api(use_oauth2=True), make_version(), services)
    assert step is not None
    exchange = make_exchange(headers={"Authorization": f"Bearer {TOKEN}"})
    assert await outcome_of(step.on_request(exchange)) is None
    exchange.request.headers.fields.clear()  # it is the head that is known, not its fields
    assert await outcome_of(step.on_request(exchange)) is None and exchange.token == TOKEN
    exchange.headers.fields.clear()
    assert await outcome_of(step.on_request(exchange)) == MISSING


async def test_a_client_that_is_gone() -> None:
    outcome, exchange = await ask({"Authorization": f"Bearer {TOKEN}"}, client="another")
    assert outcome == CLIENT_GONE and exchange.session is None
    assert (CLIENT_GONE.flag, MALFORMED.flag, MISSING.flag, UNKNOWN.flag) == ("EAD", "IHD", "AMF", "AKI")
    assert (outcome.status, outcome.message) == (403, "Key not authorised. OAuth client access was revoked")


async def test_the_header_has_the_name_that_the_definition_gives_it_and_no_parameter_counts() -> None:
    config = {"auth_header_name": "X-Auth", "use_param": True, "param_name": "token"}
    assert (await ask({"X-Auth": f"Bearer {TOKEN}"}, auth_configs={"oauth": config}))[0] is None
    assert (await ask({"Authorization": f"Bearer {TOKEN}"}, auth_configs={"oauth": config}))[0] == MISSING
    exchange = make_exchange(f"/?token=Bearer {TOKEN}")
    assert (await ask(exchange=exchange, auth_configs={"oauth": config}))[0] == MISSING


@pytest.mark.parametrize(("provider", "counts"), [("", True), ("oauth_key", True), ("auth_token", False)])
async def test_whose_session_counts(provider: str, counts: bool) -> None:
    outcome, exchange = await ask({"Authorization": f"Bearer {TOKEN}"}, base_identity_provided_by=provider)
    assert outcome is None and (exchange.session is not None) is counts


async def test_a_store_that_has_to_be_waited_for() -> None:
    shown = {"Authorization": f"Bearer {TOKEN}"}
    outcome, exchange = await ask(shown, waiting=Waiting())
    assert outcome is None and exchange.session is not None and exchange.session.alias == "later"
    assert (await ask(shown, waiting=Waiting(client_is_there=False)))[0] == CLIENT_GONE
    assert (await ask(shown, waiting=Waiting(key_is_there=False)))[0] == UNKNOWN
    with pytest.raises(StoreError):
        await ask(shown, waiting=Waiting(client_is_there=StoreError("away")))


def test_it_is_there_when_asked_for() -> None:
    for fields in ({}, {"use_oauth2": True, "use_keyless": True}):
        assert OAuth2.from_definition(make_api(**fields), make_version(), make_services()) is None
