"""Moulds: what the records of requests that are alike have in common.

Clients ask again: a head that comes again, byte for byte, on its connection is the same `RequestHead`. As long as API,
key and target are the same too, its record differs from the last one in nothing but moment, status and durations. All
the rest stands packed in a mould, which the head keeps, so that on the road a few comparisons take the place of a
capture, and a record is put together without looking at the request again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from sluicegate.apidef.session import Session
    from sluicegate.chain.exchange import Exchange
    from sluicegate.routing.route import Route
    from sluicegate.upstream.target import Target

Cast = tuple["Mould", int, float, float, float]
"""Mould, status, start in seconds since 1970, seconds in all, seconds of the upstream."""

CAST_VALUES: Final = 5


class Mould(msgspec.Struct, eq=False):
    """Pieces of a record, and whose they are.

    begin:     up to the date.                  key:   APIKey, and the name of the time stamp.
    names:     APIVersion to OauthID.           place: IPAddress, and the blocks that are always empty.
    tags:      to the name of ExpireAt.         end:   all behind that.
    expires_s: how long it is kept.
    head, tail: all up to the nanoseconds, and from the tags to those of ExpireAt, as they are in one `second` with one
               `status`: for as long as that lasts, a record has fewer pieces (`RecordBuilder.cast`).
    """

    route: Route
    session: Session | None
    target: Target | None
    key_hash: str
    version_name: str
    begin: bytes
    key: bytes
    names: bytes
    place: bytes
    tags: bytes
    end: bytes
    expires_s: int
    second: int = -1
    status: int = 0
    head: bytes = b""
    tail: bytes = b""

    def fits(self, exchange: Exchange) -> bool:
        """Return whether an exchange with the head that keeps this mould has such a record.

        What TrackEndpoint says follows from the head. An answer that was made here has no target, or a rejection.
        """
        return (
            self.session is exchange.session
            and self.target is exchange.target
            and self.route is exchange.route
            and self.key_hash == exchange.key_hash
            and self.version_name == exchange.version_name
            and exchange.url is None
            and exchange.rejection is None
            and not exchange.tags
        )
