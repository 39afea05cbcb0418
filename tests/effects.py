"""What is seen of a running node from outside, where settings are said to take effect in it."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import trustme
from tests.gateway import SECRET, SESSION, Gateway, until
from tests.servers import RedisServer
from tests.upstreams import Upstream, answer
from tests.wire import Message, Wire, get, request

AUTHORITY = trustme.CA()
FORM = "Content-Type: application/x-www-form-urlencoded"
OAUTH_CLIENT = "Authorization: Basic YzE6czE="  # c1:s1
UPGRADE = ("Connection: Upgrade", "Upgrade: websocket")
A_MOMENT_S = 3.0
"""How long something is waited for that is not to come."""


class Site:
    """A node of a cluster, its Redis, and the upstreams of the API `a`.

    bad: one that cannot be reached.
    """

    def __init__(self, gateway: Gateway, redis: RedisServer, upstream: Upstream, bad: Upstream) -> None:
        self.gateway, self.redis, self.upstream, self.bad = gateway, redis, upstream, bad

    def ask(self, path: str = "/a/", *fields: str, **more: Any) -> Message:
        return self.gateway.ask(get(path, *fields, **more))

    def status(self, path: str = "/a/", *fields: str, **more: Any) -> int:
        return self.ask(path, *fields, **more).status

    def admin(self, method: str, path: str, document: Any = None) -> Any:
        status, body = self.gateway.admin(method, path, document)
        assert status == 200, body
        return body

    def key(self, name: str, **more: Any) -> Any:
        """Write a key to the API `a`, and return the answer."""
        return self.admin("POST", f"/tyk/keys/{name}", {**SESSION, **more})

    def password_hash(self) -> str:
        """Write a user, and return how the password is kept."""
        self.key("somebody", basic_auth_data={"password": "secret"})
        return str(self.admin("GET", "/tyk/keys/somebody?username=true&org_id=org")["basic_auth_data"]["hash_type"])

    def status_of_short_token(self) -> int:
        self.gateway.admin("POST", "/tyk/keys/short", SESSION)  # where it is too short it is there already
        return self.status("/a/", "Authorization: short")

    def is_blocked_with_its_organisation(self) -> bool:
        self.admin("PUT", "/tyk/org/keys/org", {"is_inactive": True})
        return b"This organization access has been disabled or quota/rate limit" in self.ask().body

    def lifetime_s(self) -> int:
        """Write a key, and return for how long the store keeps it."""
        written = self.key("somebody", session_lifetime=1000, expires=int(time.time()) + 50_000)
        return int(self.redis.command("ttl", f"apikey-{written['key_hash']}"))

    # -- the OAuth server of the API, of which `c1` is a client

    def oauth_ask(self, path: str, form: dict[str, str], *fields: str) -> Message:
        body = urlencode(form).encode()
        client = {"client_id": "c1", "secret": "s1", "api_id": "a", "redirect_uri": "http://one.test;http://two.test"}
        self.admin("POST", "/tyk/oauth/clients/create", client)
        return self.gateway.ask(request("POST", path, OAUTH_CLIENT, FORM, *fields, body=body))

    def oauth_agree(self, kind: str) -> dict[str, Any]:
        form = {"response_type": kind, "client_id": "c1", "key_rules": json.dumps(SESSION)}
        form["redirect_uri"] = "http://one.test;http://two.test"
        said = self.oauth_ask("/a/tyk/oauth/authorize-client", form, f"X-Tyk-Authorization: {SECRET}")
        assert said.status == 200, said.body
        return dict(json.loads(said.body))

    def oauth_token_lifetime_s(self) -> int:
        return int(self.oauth_agree("token")["expires_in"])

    def oauth_refresh_lifetime_s(self) -> int:
        form = {"grant_type": "authorization_code", "code": self.oauth_agree("code")["code"]}
        token = json.loads(self.oauth_ask("/a/oauth/token", form).body)["refresh_token"]
        return int(self.redis.command("ttl", f"oauth-data.a.oauth-refresh.{token}"))

    def oauth_error_status(self) -> int:
        return self.oauth_ask("/a/oauth/token", {"grant_type": "made_up"}).status

    def oauth_status_for_second_address(self) -> int:
        form = {"response_type": "code", "client_id": "c1", "redirect_uri": "http://two.test"}
        return self.oauth_ask("/a/oauth/authorize", form).status

    def keeps_lapsed_tokens(self) -> bool:
        place = "oauth-data.a.oauth-client-tokens.c2"
        self.redis.command("zadd", place, str(int(time.time()) - 100), "lapsed")
        self.admin("DELETE", "/tyk/oauth/tokens?scope=lapsed")
        return self.redis.command("exists", place) == "1"

    def target_seen(self, path: str, *fields: str) -> str:
        return json.loads(self.ask(path, *fields).body)["target"]

    def upgrades(self) -> bool:
        return "upgrade" in json.loads(self.ask("/a/", *UPGRADE).body)["headers"]

    def connections_for(self, look: Callable[[], None]) -> int:
        before = self.upstream.connections
        look()
        return self.upstream.connections - before

    def twice(self) -> None:
        assert (self.status(), self.status()) == (200, 200)

    def two_at_a_time(self) -> None:
        """Two requests at once, and two more; the upstream answers when both are there."""
        for _ in range(2):
            seen = len(self.upstream.requests)
            with self.gateway.raw() as one, self.gateway.raw() as other:
                one.send(get("/a/"))
                self.upstream.await_requests(seen + 1)
                other.send(get("/a/"))
                assert (one.read_answer().status, other.read_answer().status) == (200, 200)

    def loses_idle_connection(self) -> bool:
        assert self.status() == 200
        (wire,) = self.upstream.wires
        return within(lambda: wire not in self.upstream.wires)

    def keeps_trying_bad_target(self) -> bool:
        """Whether a target that cannot be reached is tried at least at every second of twenty requests."""
        before = self.bad.connections
        assert {self.status() for _ in range(20)} == {200}
        return self.bad.connections - before >= 10

    def with_redis_hanging(self, look: Callable[[], Any]) -> Any:
        self.redis.pause()
        try:
            return look()
        finally:
            self.redis.resume()
            until(lambda: self.gateway.admin("GET", "/tyk/keys/nobody")[0] == 404)

    def loses_slow_sender(self) -> bool:
        with self.gateway.raw() as client:
            client.send(request("POST", "/a/", "Content-Length: 10") + b"hello")
            return not client.is_silent(A_MOMENT_S)

    def loses_idle_client(self) -> bool:
        with self.gateway.raw() as client:
            assert client.ask(get("/a/")).status == 200
            return not client.is_silent(A_MOMENT_S)

    def loses_client_that_reads_nothing(self) -> bool:
        with self.gateway.raw() as client:
            client.send(get("/a/large"))
            self.upstream.await_requests(1)
            return within(lambda: self._client_connections() == 0)

    def _client_connections(self) -> int:
        """Return how many are open, but for the one that asks."""
        page = self.ask("/metrics").body.decode()
        line = next(line for line in page.splitlines() if line.startswith("sluicegate_client_connections "))
        return int(float(line.split()[1])) - 1

    def checks_arrive(self, count: int) -> bool:
        """Whether so many health checks arrive within a moment."""
        before = len(self.upstream.requests)
        return within(lambda: len(self.upstream.requests) >= before + count)


def within(met: Callable[[], Any]) -> bool:
    try:
        return bool(until(met, patience_s=A_MOMENT_S))
    except AssertionError:
        return False


def slow(wire: Wire, upstream: Upstream) -> None:
    while True:
        upstream.take(wire)
        wire.is_silent(2.5)  # nothing comes meanwhile; the gateway looks at its deadlines once a second
        wire.send(answer(b"late"))


def large(wire: Wire, upstream: Upstream) -> None:
    """Answer with more than fits between two who do not read."""
    while True:
        upstream.take(wire)
        wire.send(answer(bytes(64 << 20)))


def in_pairs(wire: Wire, upstream: Upstream) -> None:
    while True:
        upstream.take(wire)
        upstream.await_requests(len(upstream.requests) + len(upstream.requests) % 2)
        wire.send(answer(b"both"))


def ailing(wire: Wire, upstream: Upstream) -> None:
    while True:
        message = upstream.take(wire)
        wire.send(answer(b"", status=b"500 Ill" if message.target == b"/check" else b"200 OK"))


def closing(wire: Wire, upstream: Upstream) -> None:
    """Accept, and say nothing."""


def tls(
    lowest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    highest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    ciphers: str = "",
    common_name: str = "127.0.0.1",
    clients: bool = False,
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1", common_name=common_name).configure_cert(context)
    context.minimum_version, context.maximum_version = lowest, highest
    if ciphers:
        context.set_ciphers(ciphers)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        AUTHORITY.configure_trust(context)
    return context
