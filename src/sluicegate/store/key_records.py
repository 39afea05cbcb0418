"""Sessions as they lie in the store: what the admin API reads and writes (contracts 03.6, 04.6, 05.2).

Nothing here is cached, and policies are not applied. `store.keys` builds the road's fast look-up on it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

from sluicegate.apidef import gojson
from sluicegate.apidef.session import Session
from sluicegate.errors import ConfigError, StoreError
from sluicegate.store import names
from sluicegate.store.backend import Backend
from sluicegate.store.tokens import candidates, hash_token, org_of

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings

READ_BATCH = 200


class FoundKey:
    """A key that is in the store.

    token:   the credential in full, which may be more than the client sent (its organisation in front).
    name:    under which it is stored: its hash, or the token where keys are not hashed.
    session: shared by everybody who finds this key; nobody changes it.
    """

    __slots__ = ("good_until_ticks", "name", "session", "stamp", "token")

    def __init__(self, token: str, name: str, session: Session, good_until_ticks: float = 0.0, stamp: int = 0) -> None:
        self.token, self.name, self.session = token, name, session
        self.good_until_ticks, self.stamp = good_until_ticks, stamp


class KeyRecords:
    """The sessions of keys and of organisations in a store."""

    def __init__(self, settings: Settings, backend: Backend) -> None:
        self._backend = backend
        self._hashed = settings.hash_keys
        self._algorithm = settings.hash_key_function
        self._fallbacks = tuple(settings.hash_key_function_fallback)
        self._composed = not settings.disable_key_actions_by_username

    def name_of(self, token: str) -> str:
        """Return the name under which a token is stored."""
        return hash_token(token) if self._hashed else token

    def tokens_of(self, given: str, org_id: str) -> list[str]:
        """Return the tokens that somebody may mean who gave this one, the likeliest first."""
        return candidates(given, org_id, self._algorithm, self._fallbacks, self._composed)

    async def read(self, given: str, org_id: str, *, hashed: bool = False, or_empty: bool = False) -> FoundKey | None:
        """Find a key by what a client or an administrator calls it.

        hashed:   it is a name in the store already.
        or_empty: a session that cannot be read is taken for an empty one, and no StoreError.
        """
        tokens = [given] if hashed else self.tokens_of(given, org_id)
        key_names = tokens if hashed else [self.name_of(token) for token in tokens]
        stored = await self._backend.mget([names.session(name) for name in key_names])
        for token, name, data in zip(tokens, key_names, stored, strict=True):
            if data:
                try:
                    return FoundKey(token, name, _decode(data, name))
                except StoreError:
                    if not or_empty:
                        raise
                    return FoundKey(token, name, Session())
        return None

    async def has(self, name: str) -> bool:
        """Return whether there is something under the name of a session, be it one or not."""
        return await self._backend.exists(names.session(name))

    async def load(self, name: str) -> Session | None:
        """Return a session by its name in the store."""
        data = await self._backend.get(names.session(name))
        return _decode(data, name) if data else None

    async def read_exactly(self, token: str) -> FoundKey | None:
        """Return the key of a whole token, which stands for nothing but itself."""
        name = self.name_of(token)
        session = await self.load(name)
        return FoundKey(token, name, session) if session is not None else None

    async def change(
        self, name: str, change: Callable[[Session], Session], ttl_of: Callable[[Session], float] | None = None
    ) -> tuple[Session, Session] | None:
        """Make something else of a session, and return what it was and is; None when it is not there.

        change: is asked again when somebody else has written the session meanwhile, so that nothing of that is lost.
        ttl_of: returns its time to live; without it, the session stays as long as it would have stayed.
        """
        stored = names.session(name)
        while data := await self._backend.get(stored):
            before = _decode(data, name)
            after = change(before)
            if await self._backend.swap(stored, data, gojson.encode(after), ttl_of(after) if ttl_of else None):
                self.changed([name])
                return before, after
        return None

    async def write_new(self, name: str, session: Session, ttl_s: float = 0) -> None:
        """Store a session under a name that has just been made up: nobody can have a copy, so none are dropped."""
        await self._backend.set(names.session(name), gojson.encode(session), ttl_s)

    async def write(self, name: str, session: Session, ttl_s: float = 0) -> None:
        """Store a session; it is in force on this node when this returns. Each write sets the time to live anew."""
        await self.write_new(name, session, ttl_s)
        self.changed([name])

    async def delete(self, name: str) -> bool:
        """Remove a session; return whether it was there."""
        found = await self._backend.delete(names.session(name))
        self.changed([name])
        return found > 0

    async def list_names(self, org_id: str = "") -> list[str]:
        """Return the names of all keys, sorted; with an organisation, of those whose token says that it is theirs."""
        stored = await self._backend.scan(names.KEY)
        found = (name.removeprefix(names.KEY) for name in stored)
        return sorted(name for name in found if not org_id or name.startswith(org_id) or org_of(name) == org_id)

    async def sessions(self, key_names: Sequence[str]) -> AsyncIterator[tuple[str, Session]]:
        """Yield name and session of those keys that are still there and can be read, a batch at a time."""
        for start in range(0, len(key_names), READ_BATCH):
            batch = key_names[start : start + READ_BATCH]
            stored = await self._backend.mget([names.session(name) for name in batch])
            for name, data in zip(batch, stored, strict=True):
                if data:
                    try:
                        yield name, _decode(data, name)
                    except StoreError:
                        continue

    # organisations: stored by their id, never hashed

    async def load_org(self, org_id: str) -> Session | None:
        """Return the session of an organisation."""
        data = await self._backend.get(names.org_session(org_id))
        return _decode(data, org_id) if data else None

    async def write_org(self, org_id: str, session: Session) -> None:
        """Store the session of an organisation."""
        await self._backend.set(names.org_session(org_id), gojson.encode(session))
        self.changed([org_id])

    async def delete_org(self, org_id: str) -> bool:
        """Remove the session of an organisation; return whether it was there."""
        found = await self._backend.delete(names.org_session(org_id))
        self.changed([org_id])
        return found > 0

    async def list_orgs(self, prefix: str = "") -> list[str]:
        """Return the ids of organisations that have a session, sorted."""
        stored = await self._backend.scan(names.org_session(prefix))
        return sorted(name.removeprefix(names.ORG_KEY) for name in stored)

    def changed(self, changed_names: Sequence[str]) -> None:
        """Sessions were written; a subclass that keeps copies drops them."""


def _decode(data: bytes, name: str) -> Session:
    try:
        return gojson.decode(data, Session)
    except ConfigError as error:
        raise StoreError(f"the session of a key (…{name[-4:]}) cannot be read: {error.what}") from error
