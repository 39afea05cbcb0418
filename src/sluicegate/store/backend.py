"""The port: what every store can do, whichever it is.

Values are bytes, names are text (see `store.names`). An operation that cannot be done raises StoreError, and never
returns as if the value were not there. What the words mean is Redis' meaning: an empty collection is gone, a time to
live is set anew by each `set`, and 0 or less of it is none.

A store in this process (`LocalBackend`) can be asked without waiting, which is what the road does; one over the network
answers within its deadline or raises.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

Listener = Callable[[bytes], None]
"""Is called with each message of a channel, in order. It must not wait."""

NO_EXPIRY = -1.0
MISSING = -2.0


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the store answers, how fast (`latency_s`), and else why not.

    error:    of a store that is reachable: what is wrong with a part of it.
    topology: how a store over the network is made up: `single`, `sentinel`, `cluster`.
    """

    kind: str
    reachable: bool
    latency_s: float = 0.0
    error: str = ""
    topology: str = ""


@dataclass(frozen=True, slots=True)
class Master:
    """A server that gets the writes: where it is, how many replicas follow it, None when it does not tell.

    is_replica: it says that it is one itself, so it takes none: the settings name the wrong server.
    """

    address: str
    replicas: int | None
    is_replica: bool = False


class Backend(ABC):
    """A store. One object for each process; made by the assembly, closed by it."""

    kind: ClassVar[str]
    """The word for it in /hello and in the settings: `redis`, `embedded`."""
    is_split: bool = False
    """Whether it is several servers, each with a part of the names, of which one may be away by itself."""

    def was_away_since(self, moment_ticks: float) -> bool:
        """Return whether it is known to be away, or to have been at that moment or later: the log says so then."""
        return False

    # values

    async def get(self, name: str) -> bytes | None:
        """Return a value, or None when there is none."""
        return (await self.mget([name]))[0]

    @abstractmethod
    async def mget(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the values of several names, in their order."""

    @abstractmethod
    async def set(self, name: str, value: bytes, ttl_s: float = 0) -> None:
        """Write a value; it is safe when this returns."""

    @abstractmethod
    async def add(self, name: str, value: bytes, ttl_s: float = 0) -> bool:
        """Write a value only where there is none; return whether it was written."""

    @abstractmethod
    async def swap(self, name: str, before: bytes, after: bytes, ttl_s: float | None = None) -> bool:
        """Write a value only where it still is the one that was read; return whether it was written.

        ttl_s: None leaves it the time to live that it has.
        """

    @abstractmethod
    async def delete(self, *names: str) -> int:
        """Remove values and collections; return how many there were."""

    @abstractmethod
    async def take(self, name: str) -> bytes | None:
        """Remove a value and return it; of all who take it at the same time one gets it, the others None."""

    @abstractmethod
    async def exists(self, name: str) -> bool:
        """Return whether a value or a collection of that name is there."""

    @abstractmethod
    async def ttl_s(self, name: str) -> float:
        """Return the seconds that are left, NO_EXPIRY or MISSING."""

    @abstractmethod
    async def expire(self, name: str, ttl_s: float) -> bool:
        """Set the time to live of what is there; return whether something is."""

    @abstractmethod
    async def scan(self, prefix: str, containing: str = "") -> list[str]:
        """Return all names that begin with the prefix, and have a text somewhere behind it, in no order."""

    async def delete_prefix(self, prefix: str) -> int:
        """Remove everything whose name begins with the prefix; return how many there were."""
        names = await self.scan(prefix)
        return await self.delete(*names) if names else 0

    # lists, sets, sorted sets

    @abstractmethod
    async def list_append(self, name: str, *values: bytes) -> None:
        """Add to the end of a list."""

    @abstractmethod
    async def list_items(self, name: str) -> list[bytes]:
        """Return a whole list."""

    @abstractmethod
    async def list_remove(self, name: str, value: bytes) -> int:
        """Remove every item that equals the value; return how many there were."""

    @abstractmethod
    async def set_add(self, name: str, *members: bytes) -> None:
        """Add members to a set."""

    @abstractmethod
    async def set_remove(self, name: str, *members: bytes) -> None:
        """Remove members from a set."""

    @abstractmethod
    async def set_members(self, name: str) -> list[bytes]:
        """Return a whole set, in no order."""

    @abstractmethod
    async def sorted_add(self, name: str, member: bytes, score: float) -> None:
        """Put a member into a sorted set, or give it a new score."""

    @abstractmethod
    async def sorted_range(self, name: str, lowest: float, highest: float) -> list[tuple[bytes, float]]:
        """Return members and scores between two scores, both included, the lowest first."""

    @abstractmethod
    async def sorted_remove(self, name: str, lowest: float, highest: float) -> int:
        """Remove what lies between two scores, both included; return how many there were."""

    @abstractmethod
    async def sorted_discard(self, name: str, *members: bytes) -> int:
        """Remove members, whatever their score; return how many there were."""

    # messages

    @abstractmethod
    async def publish(self, channel: str, message: bytes) -> None:
        """Send a message to all that listen now; nobody is told about it later."""

    @abstractmethod
    def subscribe(self, channel: str, listener: Listener, on_gap: Callable[[], None] | None = None) -> None:
        """Have the listener called with each message, until the store is closed.

        on_gap: is called when it begins to hear, at first and after each break: what was said before was missed.
        """

    # life

    @abstractmethod
    async def health(self) -> Health:
        """Ask the store for a sign of life; never raises."""

    async def masters(self) -> Sequence[Master]:
        """Return the servers that take its writes, by address; none for a store that has no servers. Never raises."""
        return ()

    @abstractmethod
    async def close(self) -> None:
        """Let go of the store. What was written stays written."""


class LocalBackend(Backend):
    """A store in this process: to read from it, nobody has to wait."""

    @abstractmethod
    def mget_now(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the values of several names, in their order. A few microseconds each."""
