"""Sends the request to another URL of the upstream, to another host, or into another API.

Asked for by `extended_paths.url_rewrites` (contract 09.3). `match_pattern` is searched in path and query as they stand,
the listen path included; where it is found, `rewrite_to` (or that of the first trigger that is satisfied) becomes the
whole URL, with `$1`… for the groups of the match. Without a match nothing is changed.

A target `tyk://…` is looped to at the end of the chain (contract 06.5). Unlike in Tyk, variables are those of the
definition's text alone: what a client wrote into its URL is never filled in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote_to_bytes

from sluicegate.apidef.pattern import Pattern, compile_pattern
from sluicegate.chain.endpoints import Endpoint, Endpoints
from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Rejection, Step
from sluicegate.chain.variables import Template
from sluicegate.errors import ConfigError
from sluicegate.middleware.transforms.rewrite_triggers import Trigger, compile_triggers
from sluicegate.wire.http1_read import escape_target

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import URLRewriteMeta, VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

BAD_PATTERN = Rejection(500, "URLRewrite regexp error ", "url_rewrite_pattern_invalid")

PAYLOAD_LIMIT_BYTES = 10 << 20
"""The longest body that a payload trigger looks at; a longer one is refused with 413."""

REFERENCE = re.compile(r"\$[0-9]+")
ESCAPE = re.compile(rb"%[0-9A-Fa-f]{2}")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
LOOP_HOST = re.compile(r"tyk://([^/?]+)")
NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9]+")
# What may not stand in a request line as it is. A path has RFC 3986's own characters, and a percent sign only at the
# head of an escape; a query is passed on as it is written, but for what would end it.
NOT_IN_A_PATH = re.compile(rb"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~:/\[\]@!$&'()*+,;=%]")
NOT_IN_A_QUERY = re.compile(rb"[^!-~]")


class Target:
    """A `rewrite_to`, compiled."""

    __slots__ = ("_references", "_template")

    def __init__(self, text: str) -> None:
        self._template = Template(text)
        self._references = REFERENCE.findall(text)

    def url(self, exchange: Exchange, groups: tuple[str, ...]) -> bytes:
        """Return the URL, escaped. References are replaced one after the other, so that `$1` also hits within `$10`."""
        text = self._template.render(exchange, escape=True)
        for reference in self._references:
            number = int(reference[1:])
            text = text.replace(reference, groups[number] if number < len(groups) else "")
        return _as_url(text)


class Rewrite:
    """One entry, compiled: what it looks for, and where it sends what it finds."""

    __slots__ = ("_pattern", "_target", "_triggers", "reads_body")

    def __init__(self, entry: URLRewriteMeta) -> None:
        self._pattern: Pattern = compile_pattern(entry.match_pattern)
        self._target = Target(entry.rewrite_to)
        self._triggers: list[tuple[Trigger, Target]] = [
            (trigger, Target(one.rewrite_to)) for trigger, one in compile_triggers(entry.triggers)
        ]
        self.reads_body = any(trigger.reads_body for trigger, _ in self._triggers)

    def apply(self, exchange: Exchange) -> None:
        """Rewrite the URL of a request that matches."""
        target = self._target
        for trigger, other in self._triggers:
            if trigger.is_satisfied(exchange):
                target = other
                break
        groups = self._search(exchange)
        if groups is not None:
            exchange.url = target.url(exchange, groups)

    def _search(self, exchange: Exchange) -> tuple[str, ...] | None:
        query = exchange.query
        url = escape_target(b"%b?%b" % (exchange.path, query) if query else exchange.path)
        groups = self._pattern.search(url.decode("ascii"))
        if groups is None and ESCAPE.search(url):
            groups = self._pattern.search(unquote_to_bytes(url).decode("utf-8", "surrogateescape"))
        return groups


class UrlRewrite(Middleware):
    """Sets `exchange.url`."""

    name = "URLRewriteMiddleware"

    def __init__(self, endpoints: Endpoints[Rewrite | Rejection]) -> None:
        self._endpoints = endpoints

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when an endpoint is rewritten. An entry whose pattern RE2 refuses rejects its requests."""
        if not version.use_extended_paths:
            return None

        def compiled(entry: URLRewriteMeta) -> Rewrite | Rejection:
            try:
                compile_pattern(entry.match_pattern)
            except ConfigError as error:
                services.log("error", "URL rewrite refused", api_id=api.api_id, path=entry.path, error=str(error))
                return BAD_PATTERN.saying(BAD_PATTERN.message + entry.match_pattern)
            return Rewrite(entry)

        entries = [one for one in version.extended_paths.url_rewrites if not one.disabled]
        endpoints: Endpoints[Rewrite | Rejection] = Endpoints(
            [Endpoint(one.path, one.method, compiled(one)) for one in entries], services.settings, version
        )
        return cls(endpoints) if endpoints else None

    def on_request(self, exchange: Exchange) -> Step:
        """Rewrite the URL; wait for the body when a trigger looks at it."""
        found = self._endpoints.find(exchange)
        if found is None or isinstance(found, Rejection):
            return found
        if found.reads_body and exchange.request.has_body:
            return _read_and_apply(found, exchange)
        found.apply(exchange)
        return None


async def _read_and_apply(rewrite: Rewrite, exchange: Exchange) -> Outcome:
    await exchange.read_body(PAYLOAD_LIMIT_BYTES)
    rewrite.apply(exchange)
    return None


def _as_url(text: str) -> bytes:
    """Return a target that may stand in a request line: with a leading slash, escaped, without a fragment."""
    if text.startswith("tyk://"):
        text = LOOP_HOST.sub(lambda found: "tyk://" + NOT_IN_A_NAME.sub("-", found[1]), text, count=1)
    elif not text.startswith("/") and not SCHEME.match(text):
        text = "/" + text
    url = text.encode("utf-8", "surrogateescape").partition(b"#")[0]
    path, mark, query = url.partition(b"?")
    return NOT_IN_A_PATH.sub(_escape, path) + mark + NOT_IN_A_QUERY.sub(_escape, query)


def _escape(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found[0][0]
