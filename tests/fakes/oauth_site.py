"""An API with an OAuth server and a client of it, asked without a gateway around it."""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.fakes.exchange import make_api, make_exchange, make_services, make_version, outcome_of

from sluicegate.apidef import gojson
from sluicegate.apidef.oauth import OAuthClient
from sluicegate.apidef.policy import Policy, PolicyBook
from sluicegate.apidef.session import AccessDefinition, Session
from sluicegate.chain.exchange import Exchange
from sluicegate.chain.outcome import Reply
from sluicegate.middleware.answers.oauth_endpoints import OAuthEndpoints
from sluicegate.store.keys import KeyStore
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.oauth_tokens import make_oauth
from sluicegate.store.reach import Reach
from sluicegate.store.shared_counters import SharedCounters

RULES = '{"org_id":"default","rate":3,"per":1,"meta_data":{"foo":"own"}}'
CLIENT = OAuthClient("1234", "aabb", "http://client.test/back", {"foo": "bar", "client": "meta"}, "p1")
ALL_TYPES = ["authorization_code", "refresh_token", "client_credentials", "password", "assertion"]
OWNER = {"X-Tyk-Authorization": "s3cret"}
SHOWN = {"Authorization": "Basic " + base64.b64encode(b"1234:aabb").decode()}


class Answer(NamedTuple):
    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        return json.loads(self.body)


class Site:
    """An API with an OAuth server, and a client of it."""

    def __init__(self, settings: dict[str, Any] | None = None, **meta: Any) -> None:
        policies = PolicyBook(
            {"p1": Policy(id="p1", org_id="default", rate=7, access_rights={"a1": AccessDefinition()})}
        )
        self.services = make_services({"secret": "s3cret", "hash_key_function": "murmur64", **(settings or {})})
        self.store = MemoryBackend()
        self.services.policies = policies
        self.services.keys = KeyStore(self.services.settings, self.store, policies, SharedCounters(None))
        self.services.oauth = make_oauth(self.store, self.services.keys, Reach(self.store, 1.0))
        self.sent: list[tuple[str, str, Any]] = []
        self.services.key_change_hook.send = lambda url, secret, body, _log: self.sent.append(  # type: ignore[method-assign]
            (url, secret, json.loads(body))
        )
        meta = {
            "allowed_access_types": ALL_TYPES,
            "allowed_authorize_types": ["code", "token"],
            "auth_login_redirect": "http://login.test/page",
            **meta,
        }
        hook = {"shared_secret": "shh", "oauth_on_keychange_url": "http://hook.test/"}
        self.api = make_api(use_oauth2=True, oauth_meta=meta, notifications=hook, proxy={"listen_path": "/a/"})
        step = OAuthEndpoints.from_definition(self.api, make_version(), self.services)
        assert step is not None
        self.step = step

    def exchange(
        self, path: str, form: dict[str, str] | bytes | None, headers: dict[str, str], method: str = "POST"
    ) -> Exchange:
        body = form if isinstance(form, bytes) else urlencode(form or {}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return make_exchange(path, method, {**kind, **headers}, body=body, api=self.api, services=self.services)

    async def ask(
        self,
        path: str,
        form: dict[str, str] | bytes | None = None,
        headers: dict[str, str] | None = None,
        method: str = "POST",
        client: OAuthClient = CLIENT,
    ) -> Answer:
        await self.services.oauth.records.write_client("a1", "default", client)
        exchange = self.exchange(path, form, headers or {}, method)
        assert self.step.owns(exchange)
        reply = await outcome_of(self.step.on_request(exchange))
        assert isinstance(reply, Reply) and not reply.tracked
        return Answer(reply.status, dict(reply.headers), reply.body)

    async def token(self, headers: dict[str, str] | None = None, **form: str) -> Answer:
        return await self.ask("/a/oauth/token/", form, SHOWN if headers is None else headers)

    async def agree(self, headers: dict[str, str] | None = None, client: OAuthClient = CLIENT, **form: str) -> Answer:
        form = {"response_type": "code", "client_id": "1234", "key_rules": RULES, **form}
        shown = OWNER if headers is None else headers
        return await self.ask("/a/tyk/oauth/authorize-client/", form, shown, client=client)

    async def code(self, **form: str) -> str:
        answer = await self.agree(**form)
        assert answer.status == 200
        return str(answer.said["code"])

    async def session(self, token: str) -> Session:
        data = await self.store.get(f"apikey-{token}")
        return gojson.decode(data, Session) if data else Session()


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.said["error"]
