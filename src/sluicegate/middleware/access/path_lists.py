"""Ignore, allow, block and internal lists, and classic mocks (contract 06.3 point 3).

Asked for by `extended_paths.{mock_response,ignored,black_list,white_list,internal}`, or without `use_extended_paths` by
`paths.{ignored,black_list,white_list}`. The OAS middlewares `mockResponse` excepted, OAS operations arrive here as
classic entries. The first entry for the path and method decides, in the order above; where there is an allow list,
what nobody decided is forbidden.

Internal endpoints are open to `tyk://` loops only, whatever the other lists say; to those they are open although an
allow list does not name them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, Self

from sluicegate.chain.endpoints import Endpoint, Endpoints
from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Rejection, Reply
from sluicegate.errors import ConfigError
from sluicegate.wire.headers import canonical, make_field, passes_on

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import EndPointMeta, EndpointMethodMeta, VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

FORBIDDEN = Rejection(403, "Requested endpoint is forbidden", "path_forbidden")

OPEN: Final = "open"
IGNORED: Final = "ignored"
BLOCKED: Final = "blocked"

Decision = str | Reply
"""OPEN, IGNORED, BLOCKED, or a reply to be copied out."""


class PathLists(Middleware):
    """Decides by path and method alone, before anybody asks who is calling."""

    name = "VersionCheck"

    def __init__(
        self,
        decisions: Endpoints[Decision],
        internal: Endpoints[bool],
        has_allow_list: bool,
        answers_preflights: bool,
        may_ignore: bool,
    ) -> None:
        self._decisions = decisions
        self._internal = internal
        self._has_allow_list = has_allow_list
        self._answers_preflights = answers_preflights
        self.may_ignore = may_ignore

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when there is an entry in any list."""
        entries = list(_extended_entries(version) if version.use_extended_paths else _plain_entries(version))
        internal = [
            Endpoint(entry.path, entry.method, True)
            for entry in version.extended_paths.internal
            if version.use_extended_paths and not entry.disabled
        ]
        if not entries and not internal:
            return None
        cors = api.classic.cors
        answers_preflights = cors.enable and not cors.options_passthrough
        return cls(
            Endpoints(entries, services.settings, version, whole=True),
            Endpoints(internal, services.settings, version, whole=True),
            _has_allow_list(version),
            answers_preflights,
            answers_preflights or any(entry.value is IGNORED for entry in entries),
        )

    def on_request(self, exchange: Exchange) -> Outcome:
        """Ignore, forbid or answer the path, or let it pass on."""
        if self._answers_preflights and _is_preflight(exchange):
            exchange.ignored = True
            return None
        is_internal = bool(self._internal) and self._internal.find(exchange) is not None
        if is_internal and not exchange.loop_level:
            return FORBIDDEN
        decision = self._decisions.find(exchange)
        if decision is OPEN:
            return None
        if decision is IGNORED:
            exchange.ignored = True
            return None
        if decision is None:
            return FORBIDDEN if self._has_allow_list and not is_internal else None
        if decision is BLOCKED:
            return FORBIDDEN
        assert isinstance(decision, Reply)
        return Reply(decision.status, decision.headers.copy(), decision.body, tracked=False)


def _is_preflight(exchange: Exchange) -> bool:
    return exchange.request.method == b"OPTIONS" and b"access-control-request-method" in exchange.request.headers


def _has_allow_list(version: VersionInfo) -> bool:
    if version.use_extended_paths:
        return any(not entry.disabled for entry in version.extended_paths.white_list)
    return bool(version.paths.white_list)


def _plain_entries(version: VersionInfo) -> Iterator[Endpoint[Decision]]:
    paths = version.paths
    for texts, decision in ((paths.ignored, IGNORED), (paths.black_list, BLOCKED), (paths.white_list, OPEN)):
        for text in texts:
            yield Endpoint(text, None, decision)


def _extended_entries(version: VersionInfo) -> Iterator[Endpoint[Decision]]:
    paths = version.extended_paths
    for mock in paths.mock_response:
        if not mock.disabled:
            reply = _reply(mock.code, mock.body, mock.headers)
            yield Endpoint(mock.path, mock.method, reply, mock.ignore_case)
    yield from _listed(paths.ignored, IGNORED)
    yield from _listed(paths.black_list, BLOCKED)
    yield from _listed(paths.white_list, OPEN)


def _listed(entries: Iterable[EndPointMeta], decision: Decision) -> Iterator[Endpoint[Decision]]:
    for entry in entries:
        if entry.disabled:
            continue
        if not entry.method_actions:
            yield Endpoint(entry.path, entry.method or None, decision, entry.ignore_case)
        for method, action in entry.method_actions.items():
            yield Endpoint(entry.path, method, _acted(action, decision), entry.ignore_case)


def _acted(action: EndpointMethodMeta, decision: Decision) -> Decision:
    """Return what an entry of the older form decides; an action that is none closes the path, whatever the list."""
    if action.action == "reply":
        return _reply(action.code, action.data, action.headers)
    return decision if action.action == "no_action" else BLOCKED


def _reply(code: int, body: str, headers: Mapping[str, str]) -> Reply:
    """Return the answer that a definition spells out; a code that no answer can have is 200.

    Fields that frame a message or end at the next hop are left out: the listener says what holds.
    """
    try:
        fields = [make_field(name.encode(), value.encode()) for name, value in headers.items()]
        lines = [(canonical(field.name), field.value) for field in fields if passes_on(field.name)]
    except ValueError as error:
        raise ConfigError("extended_paths: headers of a mock", str(error)) from None
    return Reply(code if 200 <= code <= 999 else 200, lines, body.encode(), tracked=False)
