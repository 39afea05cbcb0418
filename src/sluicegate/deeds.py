"""What the workers of a node have each other do, by name (`listener.colleagues`): an order goes to all, the sender too.

So the gateway API answers when all of them have done it. An argument is bytes; what a deed raises ends the order, and
the sender is told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from sluicegate.cluster.document import Key
from sluicegate.store.known_keys import KnownKey
from sluicegate.store.names import cached_responses

if TYPE_CHECKING:
    from sluicegate.worker import Worker


class Deeds:
    """What one worker does when it is told to."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def by_name(self) -> dict[str, Callable[[bytes], Awaitable[None]]]:
        """Return all of them."""
        return {
            "reload": self.reload,
            "follow": self.follow,
            "forget_keys": self.forget_keys,
            "renew_certificates": self.renew_certificates,
            "ask_for_client": self.ask_for_client,
            "clear_cache": self.clear_cache,
            "tell_known_key": self.tell_known_key,
            "learn_key": self.learn_key,
        }

    async def reload(self, argument: bytes) -> None:
        """Read definitions and policies again, and what the cluster shares."""
        api_id, may_empty = msgspec.msgpack.decode(argument) if argument else ("", False)
        await self._worker.configuration.load(may_empty=may_empty, api_id=api_id)
        if self._worker.member is not None:
            await self._worker.member.follower.look(everything=True)

    async def follow(self, argument: bytes) -> None:
        """Take over what was written to the cluster. Raises ConfigError when some of it was refused."""
        assert self._worker.member is not None
        follower = self._worker.member.follower
        await follower.sync()
        follower.hint()  # so that it is saved
        for kind, document_id in msgspec.msgpack.decode(argument):
            if (error := follower.refused.get(Key(kind, document_id))) is not None:
                raise error

    async def forget_keys(self, argument: bytes) -> None:
        """Drop copies of sessions."""
        self._worker.keys.forget(msgspec.msgpack.decode(argument, type=list[str]))

    async def renew_certificates(self, argument: bytes) -> None:
        """Serve by what the store holds of certificates now."""
        await self._worker.configuration.renew_certificates(msgspec.msgpack.decode(argument, type=list[str]))

    async def ask_for_client(self, argument: bytes) -> None:
        """Ask the store anew whether an OAuth client is there."""
        self._worker.services.oauth.clients.told(argument.decode("utf-8", "surrogateescape"))

    async def clear_cache(self, argument: bytes) -> None:
        """Forget the stored responses of an API."""
        await self._worker.services.cache.forget(cached_responses(argument.decode()))

    async def tell_known_key(self, place: bytes) -> None:
        """Tell every worker what this one knows of a key."""
        worker = self._worker
        known = worker.keys.known.at(place)
        if known is not None and worker.colleagues is not None:
            await worker.colleagues.all_do("learn_key", msgspec.msgpack.encode(known))

    async def learn_key(self, argument: bytes) -> None:
        """Know a key that another worker knows."""
        self._worker.keys.known.learn([msgspec.msgpack.decode(argument, type=KnownKey)])
