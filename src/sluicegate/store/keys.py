"""Whose key is this? The road's look-up of sessions by token (contracts 03.6, 05.2).

A session that was found is kept for ten seconds, with its policies applied, and found again by one look into a
dictionary. It is dropped before that when any worker of the node writes a session (they share a stamp), when another
node tells (`told`), and when the policies change. What was not found is not kept: a new key works at once.

While the store is away, a key goes by what it was when it was last read (`known_keys`), and one of which nothing is
known is no unknown key: that is a StoreError.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from sluicegate.apidef import gojson
from sluicegate.apidef.policy import PolicyError
from sluicegate.apidef.session import Session
from sluicegate.clock import ticks
from sluicegate.errors import ConfigError, StoreError
from sluicegate.store import names
from sluicegate.store.backend import Backend, LocalBackend
from sluicegate.store.key_records import FoundKey, KeyRecords
from sluicegate.store.known_keys import KnownKeys, place_of
from sluicegate.store.reach import Reach
from sluicegate.store.shared_counters import SESSIONS_WORD, SharedCounters
from sluicegate.store.tokens import hash_text
from sluicegate.store.told_keys import ToldKeys

if TYPE_CHECKING:
    from sluicegate.apidef.policy import PolicyBook
    from sluicegate.settings.model import Settings

KEPT_S = 10.0
UNHURRIED_S = 5.0
MOST_QUESTIONS_PER_S = 200
STALE_KEPT_S = 1.0
"""How long a key of the past is gone by before the store is asked again."""
MOST_KEPT = 10_000

__all__ = ["FoundKey", "KeyStore"]


class KeyStore(KeyRecords):
    """Sessions by token. A store in this process answers on the spot, another by an awaitable."""

    def __init__(
        self,
        settings: Settings,
        backend: Backend,
        policies: PolicyBook,
        counters: SharedCounters,
        log: Callable[..., None] = lambda *_arguments, **_fields: None,
        reach: Reach | None = None,
    ) -> None:
        """Prepare.

        log:   as `Services.log`: told of sessions that are there and can't be used.
        reach: how long to wait for a store over the network, which others need not say.
        """
        super().__init__(settings, backend)
        self._reach = reach or Reach(backend, UNHURRIED_S)
        self._stale_s = settings.sluicegate.store_failure.stale_sessions_s
        self.known = KnownKeys(self._stale_s)
        self._told = ToldKeys(self._read_again, self.known)
        self.ask_colleagues: Callable[[bytes], Awaitable[None]] | None = None
        """Has other workers of the node teach `known` what they know of a place."""
        self._questions = (0, 0)
        self._local = backend if isinstance(backend, LocalBackend) else None
        self._policies = policies
        self._generation = policies.generation
        self._counters = counters
        self._stamps = counters.stamps
        self._log = log
        self._kept_s = 0.0 if settings.local_session_cache.disable_cached_session_state else KEPT_S
        self._found: dict[tuple[str, str], FoundKey] = {}
        self._places: dict[str, list[tuple[str, str]]] = {}  # where in _found the copies of a name are
        self._orgs: dict[str, tuple[Session | None, float, int]] = {}
        self._forgotten = 0  # grows, so that a read that was under way knows it is old

    def store_was_away_since(self, moment_ticks: float) -> bool:
        """Return whether the log tells of the store's absence at that moment or later."""
        return self._backend.was_away_since(moment_ticks)

    def find(self, token: str, org_id: str) -> FoundKey | Awaitable[FoundKey | None] | None:
        """Return the key that a client of an organisation's API means, or None. Raises StoreError."""
        found = self._found.get((org_id, token))
        if (
            found is not None
            and found.good_until_ticks > ticks()
            and found.stamp == self._stamps[SESSIONS_WORD]
            and self._generation == self._policies.generation
        ):
            return found
        tokens = self.tokens_of(token, org_id)
        stored = [names.session(self.name_of(candidate)) for candidate in tokens]
        moment = self._moment()
        if self._local is None:
            if self._reach.is_hung:
                return self._stale(token, org_id, tokens, moment, self._reach.late())
            return self._find_later(token, org_id, tokens, stored, moment)
        return self._first(token, org_id, tokens, self._local.mget_now(stored), moment)

    def find_org(self, org_id: str) -> Session | Awaitable[Session | None] | None:
        """Return the session that limits a whole organisation, or None; kept as keys are, the None too."""
        kept = self._orgs.get(org_id)
        if kept is not None and kept[1] > ticks() and kept[2] == self._stamps[SESSIONS_WORD]:
            return kept[0]
        moment = self._moment()
        if self._local is None:
            return self._find_org_later(org_id, moment)
        return self._org(org_id, self._local.mget_now([names.org_session(org_id)])[0], moment)

    def forget(self, changed_names: Iterable[str]) -> None:
        """Drop all copies of some sessions, by their names in the store: this node has written them."""
        gone = set(changed_names)
        self.known.forget(gone)
        self._drop(gone)

    def told(self, changed_names: Iterable[str]) -> None:
        """Another node says that it has written some sessions: read them again before they are gone by.

        While the store does not answer they are gone by all the same, as those are that are older than ten seconds.
        """
        gone = set(changed_names)
        self._drop(gone)
        self._told.hear(gone)

    def _drop(self, gone: set[str]) -> None:
        self._forgotten += 1
        for name in gone:
            for place in self._places.pop(name, ()):
                self._found.pop(place, None)
        for org_id in list(self._orgs):
            if org_id in gone or hash_text(org_id) in gone:  # nodes of Tyk tell of the hash
                del self._orgs[org_id]

    def forget_all(self) -> None:
        """Drop all copies: messages may have been missed."""
        self._forgotten += 1
        self._found.clear()
        self._places.clear()
        self._orgs.clear()

    def changed(self, changed_names: Sequence[str]) -> None:
        """A session was written here: no worker of this node goes by an old copy any more."""
        self.forget(changed_names)
        self._counters.stamp_sessions()

    async def close(self) -> None:
        """Stop what runs beside the road."""
        await self._told.close()

    async def _read_again(self, name: str) -> bytes | None:
        """Nobody waits for this, so it is no matter of the road's whether it takes long."""
        self._reach.check()
        return await self._backend.get(names.session(name))

    async def _find_later(
        self, token: str, org_id: str, tokens: list[str], stored: list[str], moment: tuple[int, int]
    ) -> FoundKey | None:
        try:
            data = await self._reach.ask(self._backend.mget(stored))
        except StoreError as error:
            stale = self._stale(token, org_id, tokens, moment, error)
            return await stale if isinstance(stale, Awaitable) else stale
        return self._first(token, org_id, tokens, data, moment)

    def _stale(
        self, given: str, org_id: str, tokens: list[str], moment: tuple[int, int], error: StoreError
    ) -> FoundKey | Awaitable[FoundKey | None] | None:
        """Return a key as it was when it was last read by any worker. Raises the error when nothing is known of it."""
        known = self.known.find(given, org_id)
        if known is not None and known.number < len(tokens):
            return self._found_key((org_id, given), tokens[known.number], known.data, moment, STALE_KEPT_S)
        if self.ask_colleagues is None or not self._may_ask():
            raise error
        return self._stale_of_colleagues(given, org_id, tokens, moment, error)

    async def _stale_of_colleagues(
        self, given: str, org_id: str, tokens: list[str], moment: tuple[int, int], error: StoreError
    ) -> FoundKey | None:
        assert self.ask_colleagues is not None
        await self.ask_colleagues(place_of(given, org_id))
        known = self.known.find(given, org_id)
        if known is None or known.number >= len(tokens):
            raise error
        return self._found_key((org_id, given), tokens[known.number], known.data, moment, STALE_KEPT_S)

    def _may_ask(self) -> bool:
        """Return whether colleagues may be bothered: a flood of unknown keys must not keep them busy."""
        second, asked = int(ticks()), self._questions[1] + 1
        self._questions = (second, asked if second == self._questions[0] else 1)
        return self._questions[1] <= MOST_QUESTIONS_PER_S

    async def _find_org_later(self, org_id: str, moment: tuple[int, int]) -> Session | None:
        try:
            self._reach.check()
            data = await self._reach.ask(self._backend.get(names.org_session(org_id)))
        except StoreError:
            kept = self._orgs.get(org_id)
            if kept is None or ticks() - (kept[1] - self._kept_s) > self._stale_s:
                raise
            return kept[0]
        return self._org(org_id, data, moment)

    def _first(
        self, given: str, org_id: str, tokens: list[str], stored: list[bytes | None], moment: tuple[int, int]
    ) -> FoundKey | None:
        """Return the first candidate that is there and can be used."""
        for number, (token, data) in enumerate(zip(tokens, stored, strict=True)):
            if data:
                if self._local is None:
                    self._know(given, org_id, number, self.name_of(token), data, moment)
                return self._found_key((org_id, given), token, data, moment, self._kept_s)
        if self._local is None:
            self.known.drop(given, org_id)
        return None

    def _know(self, given: str, org_id: str, number: int, name: str, data: bytes, moment: tuple[int, int]) -> None:
        """Keep what was read for when the store is away; what may be old by now is read again."""
        self.known.keep(given, org_id, number, name, data)
        if moment[1] != self._forgotten:
            self._told.hear([name])

    def _found_key(
        self, place: tuple[str, str], token: str, data: bytes, moment: tuple[int, int], kept_s: float
    ) -> FoundKey | None:
        """Return the key that was stored so, or None when it can't be used."""
        name = self.name_of(token)
        try:
            session = self._policies.apply(gojson.decode(data, Session), place[0])
        except (ConfigError, PolicyError) as error:
            self._log("error", "session cannot be used", key=name[-4:], reason=str(error))
            return None
        found = FoundKey(token, name, session, ticks() + kept_s, moment[0])
        self._keep(place, found, moment)
        return found

    def _org(self, org_id: str, data: bytes | None, moment: tuple[int, int]) -> Session | None:
        try:
            session = gojson.decode(data, Session) if data else None
        except ConfigError as error:
            self._log("error", "session of an organisation cannot be used", org_id=org_id, reason=str(error))
            session = None
        if self._kept_s and moment[1] == self._forgotten:
            self._orgs[org_id] = (session, ticks() + self._kept_s, moment[0])
        return session

    def _moment(self) -> tuple[int, int]:
        """Return what tells later whether a session was written while it was being read."""
        if self._generation != self._policies.generation:
            self.forget_all()
            self._generation = self._policies.generation
        return self._stamps[SESSIONS_WORD], self._forgotten

    def _keep(self, place: tuple[str, str], found: FoundKey, moment: tuple[int, int]) -> None:
        if not self._kept_s or moment[1] != self._forgotten:
            return
        if len(self._found) >= MOST_KEPT:
            self._drop_oldest_half()
        if place not in self._found:
            self._places.setdefault(found.name, []).append(place)
        self._found[place] = found

    def _drop_oldest_half(self) -> None:
        self._found = dict(islice(self._found.items(), len(self._found) // 2, None))
        self._places = {}
        for place, found in self._found.items():
            self._places.setdefault(found.name, []).append(place)
