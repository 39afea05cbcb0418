"""Keeps responses for a while, and answers with them instead of the upstream (contract 09.8).

Asked for by `cache_options.enable_cache`, for all safe requests (`cache_all_safe_requests`) or for single endpoints
(`extended_paths.cache`, `extended_paths.advance_cache_config`). What is stored is one caller's own: the key holds the
token, or the client's address where there is none. Stored answers pass no response chain: they did before. Unlike in
Tyk, the key also holds the version, where that does not stand in the URL: another version's answer is none.

A store that is away makes no request fail: nothing is found, nothing is kept. Unlike Tyk, parts of a resource (206) and
answers to conditions (304) are not kept, since the next request may not have asked for those.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sluicegate.apidef.pattern import Pattern, compile_pattern
from sluicegate.chain.endpoints import Endpoint, Endpoints
from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Reply, Step
from sluicegate.clock import now
from sluicegate.errors import BadMessage, ConfigError, StoreError
from sluicegate.middleware.answers import stored_response
from sluicegate.middleware.answers.stored_response import StoredResponse
from sluicegate.store.names import cached_response
from sluicegate.store.tokens import MURMUR128, hash_text
from sluicegate.wire.headers import canonical

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import APIDefinition, VersionInfo
    from sluicegate.chain.exchange import Exchange, Response
    from sluicegate.chain.services import Services

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
SAFE = frozenset(method.encode() for method in SAFE_METHODS)
HASHED_BODIES = frozenset((b"POST", b"PUT", b"PATCH"))
NEVER_STORED = frozenset((206, 304))
STREAM_TYPES = (b"text/event-stream", b"application/grpc")

REQUEST_LIMIT_BYTES = 10 << 20
"""Requests with a longer body are neither stored nor answered from the store."""

RESPONSE_LIMIT_BYTES = 8 << 20
"""Longer responses are not stored: they stream through."""

FORCE_FIELD = b"x-tyk-cache-action-set"
TTL_FIELD = b"x-tyk-cache-action-set-ttl"
HIT_TAG = "cached-response"
NOT_IN_304 = frozenset((b"Content-Type", b"Content-Length"))


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms an endpoint's responses are stored.

    statuses: those that are stored; empty is all.
    pattern:  what of a request body makes it another request; None is all of it.
    """

    timeout_s: int
    statuses: frozenset[int]
    pattern: Pattern | None = None


@dataclass(slots=True)
class Caching:
    """Where the response of one exchange is to be stored, on what terms, and, once it is here, for how long.

    clearings: of the store, when the response was asked for.
    """

    key: str
    terms: Terms
    clearings: int
    ttl_s: int = 0


class Cache(Middleware):
    """Answers from the store, or sets `exchange.caching` and stores the response when it comes by."""

    name = "RedisCacheMiddleware"
    body_limit_bytes = RESPONSE_LIMIT_BYTES

    def __init__(self, classic: APIDefinition, endpoints: Endpoints[Terms], services: Services) -> None:
        options = classic.cache_options
        self._api_id, self._endpoints, self._store = classic.api_id, endpoints, services.cache
        self._all_safe = options.cache_all_safe_requests
        self._terms = Terms(options.cache_timeout, frozenset(options.cache_response_codes))
        self._headers = [(_bytes(name), _bytes(name).lower()) for name in options.cache_by_headers]
        is_versioned = not classic.version_data.not_versioned
        self._adds_version = is_versioned and classic.definition.location not in ("url", "url-param")
        self._obeys_upstream = options.enable_upstream_cache_control
        self._ttl_field = _bytes(options.cache_control_ttl_header.lower()) or TTL_FIELD

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when the cache is on and something may be stored. Raises ConfigError."""
        classic = api.classic
        if not classic.cache_options.enable_cache or classic.application_protocol == "mcp":
            return None
        endpoints = Endpoints(_endpoints(classic, version), services.settings, version)
        return cls(classic, endpoints, services) if endpoints or classic.cache_options.cache_all_safe_requests else None

    # -- request

    def on_request(self, exchange: Exchange) -> Step:
        """Answer from the store, if this request may be answered so."""
        request = exchange.request
        if self._all_safe and request.method in SAFE:
            terms: Terms | None = self._terms
        else:
            terms = self._endpoints.find(exchange) if self._endpoints else None
        if terms is None:
            return None
        if request.method in HASHED_BODIES and request.has_body:
            return self._after_body(exchange, terms) if (request.content_length or 0) <= REQUEST_LIMIT_BYTES else None
        return self._look_up(exchange, terms, b"")

    async def _after_body(self, exchange: Exchange, terms: Terms) -> Outcome:
        try:
            body = await exchange.read_body(REQUEST_LIMIT_BYTES)
        except BadMessage:  # it did not say how long it is: what was read of it goes on, too
            return None
        outcome = self._look_up(exchange, terms, _body_part(body, terms.pattern))
        return await outcome if isinstance(outcome, Awaitable) else outcome

    def _look_up(self, exchange: Exchange, terms: Terms, body_part: bytes) -> Step:
        caching = Caching(self._key(exchange, body_part), terms, self._store.clearings)
        try:
            found = self._store.get(caching.key)
        except StoreError:
            return None
        if found is None:
            exchange.caching = caching
            return None
        if isinstance(found, Awaitable):
            return self._when_found(exchange, caching, found)
        return self._answer(exchange, caching, found)

    async def _when_found(self, exchange: Exchange, caching: Caching, waiting: Awaitable[bytes | None]) -> Outcome:
        try:
            found = await waiting
        except StoreError:
            return None
        return self._answer(exchange, caching, found)

    def _answer(self, exchange: Exchange, caching: Caching, found: bytes | None) -> Outcome:
        stored = None if found is None else stored_response.read(found, exchange.request.method, now())
        if stored is None:
            exchange.caching = caching
            return None
        fields = stored.headers
        exchange.tags += (HIT_TAG,)
        headers = [(canonical(field.name), field.value) for field in fields if field.name != b"x-tyk-cached-response"]
        headers.append((b"X-Tyk-Cached-Response", b"1"))
        asked, etag = exchange.request.headers.get(b"if-none-match"), fields.get(b"etag")
        if asked and etag and etag in asked:
            return Reply(304, [line for line in headers if line[0] not in NOT_IN_304], rate_headers=True)
        return Reply(stored.status, headers, stored.body, rate_headers=True, length=stored.length)

    def _key(self, exchange: Exchange, body_part: bytes) -> str:
        request = exchange.request
        url = b"%b?%b" % (request.path, request.query) if request.query else request.path
        text = b"%b-%b" % (request.method, url)
        if self._adds_version:
            text += b"-" + _bytes(exchange.version_name)
        if self._headers:
            headers = request.headers if exchange.changed_headers is None else exchange.changed_headers
            text += b"-" + b"".join(b"%b-%b" % (name, headers.get(lower) or b"") for name, lower in self._headers)
        digest = hashlib.md5(text + body_part, usedforsecurity=False).hexdigest()
        return cached_response(self._api_id, f"{self._api_id}{exchange.token or exchange.client_ip}{digest}")

    # -- response

    def wants_response_body(self, exchange: Exchange, response: Response) -> bool:
        """Return whether this response is to be stored."""
        caching: Caching | None = exchange.caching
        if caching is None:
            return False
        caching.ttl_s = self._ttl_s(caching.terms, response)
        if caching.ttl_s <= 0 or (response.content_length or 0) > RESPONSE_LIMIT_BYTES:
            return False
        kind = response.headers.get(b"content-type") or b""
        return response.status not in NEVER_STORED and not kind.startswith(STREAM_TYPES)

    def on_response_body(self, exchange: Exchange, response: Response, body: bytes) -> bytes | Awaitable[bytes]:
        """Store the response, which is left as it is."""
        caching: Caching = exchange.caching
        if caching.clearings != self._store.clearings:
            return body
        length = response.content_length if exchange.method == b"HEAD" else None
        stored = StoredResponse(response.status, response.headers, body, length)
        value = stored_response.written(stored, int(now()) + caching.ttl_s)
        try:
            waiting = self._store.set(caching.key, value, caching.ttl_s)
        except StoreError:
            return body
        return body if waiting is None else _after(waiting, body)

    def _ttl_s(self, terms: Terms, response: Response) -> int:
        """Return for how long a response is stored; 0: not at all."""
        stores = not terms.statuses or response.status in terms.statuses
        ttl_s = terms.timeout_s
        if self._obeys_upstream:
            stores = stores or bool(response.headers.get(FORCE_FIELD))
            said = response.headers.get(self._ttl_field) or b""
            if said.removeprefix(b"-").isdigit():
                ttl_s = int(said[:9])
        return ttl_s if stores else 0


def _endpoints(classic: APIDefinition, version: VersionInfo) -> list[Endpoint[Terms]]:
    if not version.use_extended_paths:
        return []
    options, paths = classic.cache_options, version.extended_paths
    usual = Terms(options.cache_timeout, frozenset(options.cache_response_codes))
    entries = [Endpoint(path, method, usual) for path in paths.cache for method in SAFE_METHODS]
    for one in paths.advance_cache_config:
        if not one.disabled:
            try:
                pattern = compile_pattern(one.cache_key_regex) if one.cache_key_regex else None
            except ConfigError as error:
                raise ConfigError("advance_cache_config: cache_key_regex", error.what, error.hint) from None
            statuses = frozenset(one.cache_response_codes) or usual.statuses
            timeout_s = one.timeout if one.timeout > 0 else usual.timeout_s
            entries.append(Endpoint(one.path, one.method, Terms(timeout_s, statuses, pattern)))
    return entries


def _body_part(body: bytes, pattern: Pattern | None) -> bytes:
    """Return what a body adds to the key: its hash, or that of the first match in it; nothing without a match."""
    text = body.decode("utf-8", "surrogateescape")
    if pattern is not None:
        found = pattern.search(text)
        if found is None:
            return b""
        text = found[0]
    return b"-" + hash_text(text, MURMUR128).encode()


async def _after(waiting: Awaitable[None], body: bytes) -> bytes:
    try:
        await waiting
    except StoreError:
        pass
    return body


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
