"""The upstream of an API: its targets, who chooses among them, and how they are spoken to.

Built when a table is built; during a request the dispatcher asks `only`, and, where there is a choice, `pick`.
Which targets can be chosen is worked out when that changes, not when somebody asks:

    healthy and not ejected  ── none? ──►  healthy  ── none? ──►  503 `all hosts are down` (contract 06.5)
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sluicegate.chain.outcome import Rejection
from sluicegate.errors import ConfigError
from sluicegate.upstream.balance import make_balancer
from sluicegate.upstream.ejection import Ejector
from sluicegate.upstream.health import read_checks
from sluicegate.upstream.target import Target, parse_target

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.chain.exchange import Exchange
    from sluicegate.settings.model import Settings
    from sluicegate.store.certificates import Certificates
    from sluicegate.upstream.health import HostHealth
    from sluicegate.upstream.tls import UpstreamTls

ALL_DOWN = Rejection(503, "all hosts are down", "no_healthy_upstreams", "NHU", plain=True, rate_headers=True)
NOWHERE = Rejection(500, "There was a problem proxying the request", "upstream_target_missing", "UPE")

ELSEWHERE_LIMIT = 256
"""Hosts that URL rewrites may lead to; patterns can take them from the request, so their number is bounded."""


@dataclass(frozen=True, slots=True)
class UpstreamParts:
    """What upstreams share, handed in by whoever puts the node together.

    tls:          the contexts in use.
    certificates: what references to certificates lead to.
    health:       which hosts are down.
    open_pool:    makes the connections of a target, by some settings; the pool's `close` is called when the target is
                  not used any more.
    """

    tls: UpstreamTls
    certificates: Certificates
    health: HostHealth
    open_pool: Callable[[Target, Settings], Any]


class Upstream:
    """Where requests of an API go.

    only:                 the target, where there is but one and nothing can speak against it; else None.
    targets:              all of them, once each.
    checks:               the health tests that the definition asks for, to be run by `health.HealthChecks`.
    timeout_s:            time to connect, and then for the head of the answer.
    preserve_host:        the client's Host is passed on.
    keeps_trailing_slash: `disable_strip_slash` (contract 06.8).
    escapes_paths:        request paths are written as Go writes them (`upstream.request.escape_path`).
    closes:               connections are closed after each answer.
    passes_upgrades:      connections may change their protocol (WebSocket).
    """

    __slots__ = (
        "__weakref__",
        "_api",
        "_balancer",
        "_candidates",
        "_checked",
        "_ejector",
        "_elsewhere",
        "_order",
        "_parts",
        "_settings",
        "checks",
        "closes",
        "escapes_paths",
        "keeps_trailing_slash",
        "only",
        "passes_upgrades",
        "preserve_host",
        "targets",
        "timeout_s",
    )

    def __init__(self, api: Api, settings: Settings, parts: UpstreamParts) -> None:
        """Read the addresses of an API. Raises ConfigError."""
        proxy = api.classic.proxy
        self._api, self._settings, self._parts = api, settings, parts
        self.timeout_s = settings.proxy_default_timeout
        self.preserve_host = proxy.preserve_host_header
        self.keeps_trailing_slash = proxy.disable_strip_slash
        self.escapes_paths = not settings.http_server_options.skip_target_path_escaping
        self.closes = settings.proxy_close_connections
        self.passes_upgrades = settings.http_server_options.enable_websockets
        listed = self._read_list() if proxy.enable_load_balancing else self._read_single()
        self.targets = tuple(dict.fromkeys(listed))
        self._balancer = make_balancer(api, self.targets, settings.secret)
        self._order = tuple(listed) if self._balancer.counts_repeats else self.targets
        self._checked = proxy.enable_load_balancing and proxy.check_host_against_uptime_tests
        self._ejector: Ejector | None = None
        self._candidates: list[Target] = []
        self._elsewhere: dict[str, Target] = {}
        for target in self.targets:
            self._equip(target)
        if len(self.targets) > 1:
            # Weak both ways, so that nothing goes round in circles: see `routing.build.close`.
            here = weakref.proxy(self)
            self._ejector = Ejector(settings.sluicegate.ejection, self.targets, lambda: here._arrange())
            for target in self.targets:
                target.ejector = weakref.proxy(self._ejector)
        self.checks = read_checks(api, settings, self._secure)
        self.only = self.targets[0] if len(self.targets) == 1 and not self._checked else None
        if self._checked:
            parts.health.tell(self)
        self.on_health()

    def pick(self, exchange: Exchange) -> Target | Rejection:
        """Return where this request goes: one of the targets, or another host that an URL rewrite names."""
        url = exchange.url
        if url is not None and not url.startswith(b"/"):
            return self._host_of(url)
        if self.only is not None:
            return self.only
        ejector = self._ejector
        if ejector is not None and ejector.next_return < exchange.started_ticks:
            ejector.release_due()
        candidates = self._candidates
        if candidates:
            return self._balancer.choose(exchange, candidates)
        return ALL_DOWN if self._api.classic.proxy.enable_load_balancing else NOWHERE

    def pick_other(self, exchange: Exchange, tried: Set[Target]) -> Target | None:
        """Return a target for a request that none of those tried could take, or None when there is no other."""
        if exchange.target not in self.targets:
            return None
        rest = [target for target in self._candidates if target not in tried]
        if not rest:
            # Those that are ejected come last, but before giving up.
            rest = [target for target in self.targets if target.healthy and target not in tried]
        return self._balancer.choose(exchange, rest) if rest else None

    def on_health(self) -> None:
        """Health tests found out something: look again which targets can take requests."""
        if self._checked:
            for target in self.targets:
                target.healthy = target.key not in self._parts.health.down
        self._arrange()

    def close(self) -> None:
        """No table holds this upstream any more: let go of its connections."""
        for target in (*self.targets, *self._elsewhere.values()):
            target.pool.close()

    def _arrange(self) -> None:
        healthy = [target for target in self._order if target.healthy]
        self._candidates = [target for target in healthy if not target.ejected_until] or healthy

    def _secure(self, target: Target) -> None:
        self._parts.tls.equip(target, self._api, self._settings, self._parts.certificates)

    def _equip(self, target: Target) -> None:
        self._secure(target)
        target.pool = self._parts.open_pool(target, self._settings)

    def _read_single(self) -> list[Target]:
        # An API that answers everything itself (mocks, loops) needs no target.
        text = self._api.classic.proxy.target_url.strip()
        return [self._read(text, "proxy.target_url")] if text else []

    def _read_list(self) -> list[Target]:
        """Return the targets in the order of the list; one that is listed twice is one target with twice the weight.

        Weights that are said count instead: one for each different entry, in the order of first mention.
        """
        proxy = self._api.classic.proxy
        said = proxy.load_balancing.weights if proxy.load_balancing is not None else ()
        entries = dict.fromkeys(proxy.target_list)
        if said and (len(said) != len(entries) or min(said) < 1):
            where = f"{self._api.source}: proxy.load_balancing.weights"
            raise ConfigError(where, "there must be one weight of 1 or more for each different entry of target_list")
        weights = dict(zip(entries, said, strict=True)) if said else None
        known: dict[str, Target] = {}
        listed = []
        for at, text in enumerate(proxy.target_list):
            read = self._read(text, f"proxy.target_list[{at}]")
            target = known.setdefault(read.url, read)
            weight = 1 if weights is None else weights.pop(text, 0)
            target.weight = weight if target is read else target.weight + weight
            listed.append(target)
        return listed

    def _read(self, text: str, field: str) -> Target:
        return parse_target(text, self._api.classic.protocol, f"{self._api.source}: {field}")

    def _host_of(self, url: bytes) -> Target | Rejection:
        """Return the host that an URL rewrite leads to: `scheme://host/path?query` (contract 09.3)."""
        scheme, _, rest = url.partition(b"://")
        host = rest.partition(b"?")[0].partition(b"/")[0]
        origin = (b"%b://%b" % (scheme, host)).decode("latin-1")
        target = self._elsewhere.get(origin)
        if target is not None:
            return target
        try:
            target = parse_target(origin)
            self._equip(target)
        except ConfigError:
            return NOWHERE
        if len(self._elsewhere) >= ELSEWHERE_LIMIT:
            for old in self._elsewhere.values():
                old.pool.close()
            self._elsewhere.clear()
        self._elsewhere[origin] = target
        return target
