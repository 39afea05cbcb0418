"""Which of several targets gets a request: one class for each way of choosing.

The definition names it in `proxy.load_balancing.algorithm` (OAS: `upstream.loadBalancing.algorithm`), an extension of
what Tyk has. A balancer is given the targets that can take requests now; health and ejection are none of its business.
It belongs to one API in one worker: workers do not agree on turns, which evens out.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

import mmh3

from sluicegate.errors import ConfigError

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.chain.exchange import Exchange
    from sluicegate.upstream.target import Target


class Balancer(ABC):
    """A way of choosing."""

    counts_repeats: ClassVar[bool] = False
    """True: a target that is listed twice is offered twice; else it is offered once, with a weight of 2."""

    @abstractmethod
    def choose(self, exchange: Exchange, candidates: Sequence[Target]) -> Target:
        """Return one of the candidates; there is at least one. The same list object means that nothing changed."""


class RoundRobin(Balancer):
    """Each in turn, in the order of the list, repeats included, from the first (contract 09.13)."""

    counts_repeats = True

    def __init__(self) -> None:
        self._turn = -1

    def choose(self, exchange: Exchange, candidates: Sequence[Target]) -> Target:
        """Return the next in the list."""
        self._turn = turn = (self._turn + 1) % len(candidates)
        return candidates[turn]


class WeightedRoundRobin(Balancer):
    """Each as often as its weight says, spread evenly: weights 5, 1, 1 give a a b a c a a (nginx's smooth algorithm).

    Everyone's credit grows by its weight; who has most is chosen, and pays what all together have gained.
    """

    def __init__(self) -> None:
        self._credit: dict[Target, int] = {}

    def choose(self, exchange: Exchange, candidates: Sequence[Target]) -> Target:
        """Return the one with the most credit."""
        credit = self._credit
        total = 0
        best, most = candidates[0], -math.inf
        for target in candidates:
            weight = target.weight
            total += weight
            credit[target] = own = credit.get(target, 0) + weight
            if own > most:
                best, most = target, own
        credit[best] -= total
        return best


class LeastConnections(Balancer):
    """The one with the fewest exchanges under way for its weight; those that are equal, in turn."""

    def __init__(self) -> None:
        self._turn = -1

    def choose(self, exchange: Exchange, candidates: Sequence[Target]) -> Target:
        """Return the one that would be least loaded with this request."""
        self._turn = turn = (self._turn + 1) % len(candidates)
        best = candidates[turn]
        least = (best.pool.in_flight + 1) / best.weight
        for target in candidates:
            load = (target.pool.in_flight + 1) / target.weight
            if load < least:
                best, least = target, load
        return best


class IpHash(Balancer):
    """The same client to the same target, as long as it is there; on every worker and node alike.

    Rendezvous hashing: each target draws a number for the client's slot, and the highest wins. So a target that comes
    takes only what it wins, one that goes leaves only what it had, and weights hold. Slots (a hash of the address) are
    remembered while the candidates stay the same, so that the drawing is done once for each.
    """

    SLOTS = 4096

    def __init__(self) -> None:
        self._winners: dict[int, Target] = {}
        self._drawn_among: Sequence[Target] = ()

    def choose(self, exchange: Exchange, candidates: Sequence[Target]) -> Target:
        """Return the target of the client's address (contract 06.9)."""
        slot = mmh3.hash(exchange.client_ip or exchange.client.peer_ip, signed=False) % self.SLOTS
        if candidates is not self._drawn_among:
            self._drawn_among = candidates
            self._winners.clear()
        winner = self._winners.get(slot)
        if winner is None:
            winner = self._winners[slot] = max(candidates, key=lambda target: _draw(slot, target))
        return winner


def _draw(slot: int, target: Target) -> float:
    chance = (mmh3.hash(target.url, slot, signed=False) + 1) / (2**32 + 1)
    return -target.weight / math.log(chance)


class StickyCookie(Balancer):
    """The target that the client's cookie names, or a new one by weight, which is then written to a cookie.

    The name of a target is a keyed hash of its address: it tells nothing, and holds over restarts, workers and nodes.
    """

    def __init__(self, name: str, path: str, targets: Sequence[Target], secret: bytes) -> None:
        self._start = name.encode("ascii") + b"="
        self._attributes = b"; Path=%b; HttpOnly; SameSite=Lax" % path.encode("ascii")
        self._names = {target: _opaque(target, secret) for target in targets}
        self._targets = {opaque: target for target, opaque in self._names.items()}
        self._newcomers = WeightedRoundRobin()

    def choose(self, exchange: Exchange, candidates: Sequence[Target]) -> Target:
        """Return the client's target if it can take requests, else another; the cookie then follows."""
        known = self._named_by(exchange)
        if known is not None and known in candidates:
            return known
        target = self._newcomers.choose(exchange, candidates)
        secure = b"; Secure" if exchange.client.is_tls else b""
        line = self._start + self._names[target] + self._attributes + secure
        # A second choice for the same request (the first could not be reached) takes the place of the first.
        others = tuple(header for header in exchange.response_headers if not header[1].startswith(self._start))
        exchange.response_headers = (*others, (b"Set-Cookie", line))
        return target

    def _named_by(self, exchange: Exchange) -> Target | None:
        for header in exchange.headers.get_all(b"cookie"):
            if self._start in header:
                for pair in header.split(b";"):
                    name, _, value = pair.strip().partition(b"=")
                    if name == self._start[:-1] and value in self._targets:
                        return self._targets[value]
        return None


def _opaque(target: Target, secret: bytes) -> bytes:
    return hmac.new(secret, target.url.encode(), hashlib.sha256).hexdigest()[:16].encode()


ALGORITHMS: dict[str, Callable[[], Balancer]] = {
    "": RoundRobin,
    "round_robin": RoundRobin,
    "weighted_round_robin": WeightedRoundRobin,
    "least_connections": LeastConnections,
    "ip_hash": IpHash,
}
STICKY = "sticky_cookie"
DEFAULT_COOKIE = "sluicegate-target"
COOKIE_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
PLAIN_PATH = re.compile(r"/[A-Za-z0-9/._~-]*")


def make_balancer(api: Api, targets: Sequence[Target], secret: str) -> Balancer:
    """Return what chooses among the targets of an API. `secret` is the node's. Raises ConfigError."""
    wanted = api.classic.proxy.load_balancing
    algorithm = wanted.algorithm if wanted is not None else ""
    if algorithm in ALGORITHMS:
        return ALGORITHMS[algorithm]()
    where = f"{api.source}: proxy.load_balancing"
    if algorithm != STICKY:
        known = ", ".join([*filter(None, ALGORITHMS), STICKY])
        raise ConfigError(f"{where}.algorithm", f"unknown algorithm {algorithm!r}", f"one of {known}")
    name = (wanted.cookie_name if wanted is not None else "") or DEFAULT_COOKIE
    if not COOKIE_NAME.fullmatch(name):
        raise ConfigError(
            f"{where}.cookie_name", f"{name!r} cannot be the name of a cookie", "letters, digits, - and _"
        )
    listen_path = api.classic.proxy.listen_path
    # A listen path with patterns is no path that a browser could compare with.
    path = listen_path if PLAIN_PATH.fullmatch(listen_path) else "/"
    return StickyCookie(name, path, targets, f"{secret} {api.api_id}".encode())
