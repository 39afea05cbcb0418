"""Names to addresses, remembered for a while, so that most new connections need no look-up.

`addresses` waits for nothing where an address is written as such, or a name is remembered. For the others the system's
resolver does the asking, in a thread, so `/etc/hosts` and search domains work; it does not say how long an answer
holds, so we decide:

- an answer holds 30 s; with `dns_cache.enabled` as long as `dns_cache.ttl` says (contract 01.6; -1 is for ever),
  except that with `multiple_ips_handle_strategy: no_cache` an answer of several addresses still holds 30 s at most;
- `pick_first` and `random` keep one address of several;
- a failure holds 1 s, so that a storm of requests asks once; an answer that has gone stale less than an hour ago is
  better than a failure, and than waiting for more than 1 s, and is used in its place;
- several that ask for one name at a time share one look-up.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple, Self

from sluicegate.clock import ticks
from sluicegate.errors import UpstreamError, UpstreamFault

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings

DEFAULT_TTL_S = 30.0
FAILURE_TTL_S = 1.0
STALE_S = 3600.0
PATIENCE_S = 1.0
"""A server of names that is away is found out about by the system after many seconds only, at each look-up anew."""
REMEMBERED_NAMES = 10_000
"""Names may come from requests (URL rewrites), so their number is bounded; then all are forgotten."""


class Answer(NamedTuple):
    """IP addresses of a name in the order to be tried; none: it could not be resolved, and `detail` says why.

    until:        when it has to be asked again.
    usable_until: when it is too old even to stand in for a failure.
    """

    ips: tuple[str, ...]
    until: float
    usable_until: float = 0.0
    detail: str = ""


async def ask_system(host: str) -> list[str]:
    """Return what the system's resolver says, in its order. Raises OSError, UnicodeError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Resolver:
    """Resolves names for one worker.

    ttl_s:    how long an answer holds; negative: for ever.
    strategy: what to do with several addresses: `no_cache`, `pick_first` or `random`; "" keeps them all.
    ask:      who is asked.
    """

    def __init__(
        self,
        ttl_s: float = DEFAULT_TTL_S,
        strategy: str = "",
        ask: Callable[[str], Awaitable[list[str]]] = ask_system,
        clock: Callable[[], float] = ticks,
    ) -> None:
        self._ttl_s = ttl_s if ttl_s >= 0 else float("inf")
        self._strategy = strategy
        self._look_up = ask
        self._clock = clock
        self._answers: dict[str, Answer] = {}
        self._asking: dict[str, asyncio.Future[Answer]] = {}

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the resolver that the settings ask for."""
        cache = settings.dns_cache
        return cls(cache.ttl, cache.multiple_ips_handle_strategy) if cache.enabled else cls()

    def addresses_now(self, host: str) -> tuple[str, ...] | None:
        """Return the IP addresses to try in order, or None when one has to wait for `addresses`."""
        answer = self._answers.get(host)
        if answer is None:
            if not _is_address(host):
                return None
            answer = self._remember(host, Answer((host,), float("inf")))
        if not answer.ips or answer.until <= self._clock():
            return None
        return answer.ips

    async def addresses(self, host: str) -> tuple[str, ...]:
        """Return the IP addresses to try in order. Raises UpstreamError(DNS), untouched."""
        found = self.addresses_now(host)
        if found is not None:
            return found
        answer = self._answers.get(host)
        if answer is None or answer.until <= self._clock():
            answer = await self._ask_once(host)
        if not answer.ips:
            raise UpstreamError(UpstreamFault.DNS, f"{host}: {answer.detail}", untouched=True)
        return answer.ips

    async def _ask_once(self, host: str) -> Answer:
        asking = self._asking.get(host)
        if asking is None:
            asking = self._asking[host] = asyncio.ensure_future(self._ask(host))
            asking.add_done_callback(lambda _: self._asking.pop(host, None))
        last = self._answers.get(host)
        has_stale = last is not None and self._clock() < last.usable_until
        try:
            # Shielded: one that gives up (its client went away) must not take the answer from the others.
            async with asyncio.timeout(PATIENCE_S if has_stale else None):
                return await asyncio.shield(asking)
        except TimeoutError:
            return self._remember(host, self._after_failure(host, "no answer in time"))

    async def _ask(self, host: str) -> Answer:
        try:
            ips = await self._look_up(host)
        except (OSError, UnicodeError) as error:
            return self._remember(host, self._after_failure(host, str(error)))
        until = self._clock() + self._holds_s(len(ips))
        return self._remember(host, Answer(self._chosen(ips), until, until + STALE_S))

    def _after_failure(self, host: str, detail: str) -> Answer:
        until = self._clock() + FAILURE_TTL_S
        last = self._answers.get(host)
        if last is not None and until < last.usable_until:
            return last._replace(until=until)
        return Answer((), until, detail=detail)

    def _chosen(self, ips: list[str]) -> tuple[str, ...]:
        if self._strategy == "pick_first":
            return tuple(ips[:1])
        if self._strategy == "random":
            return (random.choice(ips),)  # noqa: S311 - spreads load, hides nothing
        return tuple(ips)

    def _holds_s(self, count: int) -> float:
        if self._strategy == "no_cache" and count > 1:
            return min(self._ttl_s, DEFAULT_TTL_S)
        return self._ttl_s

    def _remember(self, host: str, answer: Answer) -> Answer:
        if len(self._answers) >= REMEMBERED_NAMES and host not in self._answers:
            self._answers.clear()
        self._answers[host] = answer
        return answer


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
