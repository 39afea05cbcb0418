"""The analytics record: what Tyk Pump reads (contract 05.4, 12.1).

A record is a msgpack map with Go's field names in Go's order, times as `[seconds, nanoseconds]`: Tyk's to the byte. As
most of its fields are the same from one request to the next, it is put together of pieces that were packed before:

    piece        fields                                                            is kept by
    head         Method · ContentLength, UserAgent · ApiSchema, OriginalPath       the mould
    caller       Host · APIKey · APIVersion … OauthID · Tags, Alias · ListenPath … key, API and version
    moment       Day, Month, Year, Hour · seconds of TimeStamp, of ExpireAt        the second
    others       Path, RawPath · ResponseCode · RequestTime … · Latency            their values

A head that comes again from the same caller has a mould with most of them (see `mould`). All of it is several times
cheaper than packing 35 fields anew. `FIELDS` is the order; a test holds the pieces to it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sluicegate.analytics.capture import path_and_host, writable
from sluicegate.analytics.mould import Mould
from sluicegate.analytics.normalise import make_normaliser

if TYPE_CHECKING:
    from sluicegate.analytics.capture import ApiFacts, Capture, HeadFacts, Reader
    from sluicegate.analytics.mould import Cast
    from sluicegate.apidef.session import Session
    from sluicegate.settings.model import Settings

FIELDS: Final = (
    *("Method", "Host", "Path", "RawPath", "ContentLength", "UserAgent", "Day", "Month", "Year", "Hour"),
    *("ResponseCode", "APIKey", "TimeStamp", "APIVersion", "APIName", "APIID", "OrgID", "OauthID", "RequestTime"),
    *("RawRequest", "RawResponse", "IPAddress", "Geo", "Network", "Latency", "Tags", "Alias", "TrackPath"),
    *("ExpireAt", "ApiSchema", "OriginalPath", "ListenPath", "GraphQLStats", "MCPStats", "CollectionName"),
)
"""Go's field names, in Go's order."""

NO_KEY_HASH: Final = "00000000"
NON_VERSIONED: Final = "Non Versioned"
REMEMBERED: Final = 4096
TIMES_SHIFT: Final = 40
"""Two durations in milliseconds make one key: the shorter in the lower bits. It is below 35 years."""

GEO: Final = {
    "Country": {"ISOCode": ""},
    "City": {"GeoNameID": 0, "Names": None},
    "Location": {"Latitude": 0.0, "Longitude": 0.0, "TimeZone": ""},
}
NETWORK: Final = {"OpenConnections": 0, "ClosedConnection": 0, "BytesIn": 0, "BytesOut": 0}
GRAPHQL: Final = {
    "Variables": "",
    "RootFields": None,
    "Types": None,
    "Errors": None,
    "OperationType": 0,
    "HasErrors": False,
    "IsGraphQL": False,
}
MCP: Final = {"IsMCP": False, "JSONRPCMethod": "", "PrimitiveType": "", "PrimitiveName": ""}
"""Blocks that are never filled here."""

pack = msgspec.msgpack.Encoder().encode


def packed(**fields: Any) -> bytes:
    """Return at most 15 fields, names and values, as they stand in a map: without the byte that says how many."""
    return pack(fields)[1:]


EMPTY_BLOCKS: Final = ("Geo", "Network", "GraphQLStats", "MCPStats", "CollectionName")
"""Fields that are never filled here: half of a record's bytes. A short record goes without."""


def start_of(fields: int) -> bytes:
    """Return how a record of so many fields begins: a msgpack map 16."""
    return b"\xde" + fields.to_bytes(2, "big")


SHORT_BEGINNING: Final = start_of(len(FIELDS) - len(EMPTY_BLOCKS)) + pack(FIELDS[0])
"""How every short record begins."""

PAIR: Final = b"\x92"
"""How a time begins: an array of two numbers, seconds and nanoseconds."""

IP_ADDRESS: Final = pack("IPAddress")
GEO_AND_NETWORK: Final = packed(Geo=GEO, Network=NETWORK)
UNTRACKED: Final = packed(TrackPath=False) + pack("ExpireAt")
TRACKED: Final = packed(TrackPath=True) + pack("ExpireAt")


class Caller:
    """The pieces that are the same for all records of one key at one version of one API."""

    __slots__ = ("alias", "api", "host", "key", "last_tags", "listen_path", "names", "session", "session_tags", "tags")

    def __init__(
        self, api: ApiFacts, session: Session | None, key: str, version_name: str, node_tags: list[str], short: bool
    ) -> None:
        self.api, self.session = api, session
        self.session_tags = _session_tags(session) if session is not None else []
        self.last_tags = [*node_tags, *([f"key-{key}"] if key else [])]
        self.last_tags += [f"org-{api.org_id}"] if api.org_id else []
        self.last_tags.append(f"api-{api.api_id}")
        self.host = packed(Host=api.target_host)
        self.key = packed(APIKey=key) + pack("TimeStamp")
        self.names = packed(
            APIVersion=version_name or NON_VERSIONED,
            APIName=api.api_name,
            APIID=api.api_id,
            OrgID=api.org_id,
            OauthID=session.oauth_client_id if session is not None else "",
        )
        self.alias = packed(Alias=session.alias if session is not None else "")
        self.tags = packed(Tags=[*self.session_tags, *api.tags, *self.last_tags]) + self.alias
        blocks: dict[str, Any] = {} if short else {"GraphQLStats": GRAPHQL, "MCPStats": MCP, "CollectionName": ""}
        self.listen_path = packed(ListenPath=api.listen_path, **blocks)


class RecordBuilder:
    """Makes records of captures."""

    def __init__(self, settings: Settings, reader: Reader, *, short: bool = False, keeps_moulds: bool = True) -> None:
        """Prepare what the settings ask for. Raises ConfigError.

        short:        records go without `EMPTY_BLOCKS`, for readers of our own.
        keeps_moulds: heads are given their moulds, so that the next request comes as a cast.
        """
        self._short, self._keeps_moulds = short, keeps_moulds
        self._start = start_of(len(FIELDS) - (len(EMPTY_BLOCKS) if short else 0))
        self._blocks = b"" if short else GEO_AND_NETWORK
        config = settings.analytics_config
        self._reader = reader
        self._ignored_ips = frozenset(config.ignored_ips)
        self._normalise = make_normaliser(config.normalise_urls)
        self._no_key = NO_KEY_HASH if settings.hash_keys else ""
        node = settings.db_app_conf_options
        self._node_tags = list(node.tags) if node.node_is_segmented else []
        self._callers: dict[tuple[str, str, str], Caller] = {}
        self._paths: dict[str, bytes] = {}
        self._times: dict[int, tuple[bytes, bytes]] = {}
        self._statuses: dict[int, bytes] = {}
        self._places: dict[str, bytes] = {}
        self._second = -1
        self._date = self._moment = b""

    def build(self, captured: Capture) -> bytes | None:
        """Return the record of a capture, or None when there shall be none."""
        # fmt: off
        (route, request, _, url, peer_ip, _, status, started_s, total_s, upstream_s, _, _,
         _, is_tracked, _, tags, rejection, _, target, _, _) = captured
        # fmt: on
        head, api = self._reader.head(request), self._reader.api(route)
        ip = self._reader.client_ip(request, peer_ip) if head.is_proxied else peer_ip
        if not is_tracked or not api.is_tracked or ip in self._ignored_ips:
            return None
        mould = self._mould(captured, head, api, ip)
        may_come_again = target is not None and url is None and rejection is None and not tags and not api.tag_headers
        if may_come_again and self._keeps_moulds:
            request.mould = mould
        return self.cast((mould, status, started_s, total_s, upstream_s if rejection is None else 0.0))

    def cast(self, cast: Cast) -> bytes:
        """Return the record of a request whose mould is known."""
        mould, status, started_s, total_s, upstream_s = cast
        ended_s = started_s + total_s
        second = int(ended_s)
        if second != mould.second or status != mould.status:
            self._stamp(mould, second, status)
        nanoseconds = pack(int((ended_s - second) * 1e9))
        total_ms, upstream_ms = int(total_s * 1000), int(upstream_s * 1000)
        times = self._times.get(total_ms << TIMES_SHIFT | upstream_ms) or self._times_of(total_ms, upstream_ms)
        head, names, place, tail, end = mould.head, mould.names, mould.place, mould.tail, mould.end
        return b"".join((head, nanoseconds, names, times[0], place, times[1], tail, nanoseconds, end))

    def _stamp(self, mould: Mould, second: int, status: int) -> None:
        """Make a mould ready for a second and a status."""
        if second != self._second:
            self._look_at_clock(second)
        status_piece = self._statuses.get(status) or self._status(status)
        mould.head = b"".join((mould.begin, self._date, status_piece, mould.key, self._moment))
        mould.tail = mould.tags + PAIR + pack(second + mould.expires_s)
        mould.second, mould.status = second, status

    def _mould(self, captured: Capture, head: HeadFacts, api: ApiFacts, ip: str) -> Mould:
        # fmt: off
        (route, request, changed_headers, url, _, _, _, _, _, _, key, session,
         version_name, _, tracked_path, tags, rejection, _, target, _, _) = captured
        # fmt: on
        caller = self._caller(api, session, key, version_name)
        first, middle, last = _pack_head(head)
        is_stripped = target is not None or rejection is not None
        path = self._paths_of(self._reader.path(head, request, route, url, is_stripped), tracked_path)
        host = caller.host if url is None else _host(url, caller)
        all_tags = _tags(caller, changed_headers or request.headers, tags) if tags or api.tag_headers else caller.tags
        return Mould(
            route,
            session,
            target,
            key,
            version_name,
            begin=b"".join((self._start, first, host, path, middle)),
            key=caller.key,
            names=caller.names,
            place=self._places.get(ip) or self._place(ip),
            tags=all_tags + (TRACKED if tracked_path else UNTRACKED),
            end=last + caller.listen_path,
            expires_s=api.expires_s,
        )

    def forget(self) -> None:
        """Let go of what was packed for callers, paths and times."""
        self._callers.clear()
        self._paths.clear()
        self._times.clear()
        self._places.clear()

    def _place(self, ip: str) -> bytes:
        if len(self._places) >= REMEMBERED:
            self._places.clear()
        piece = self._places[ip] = IP_ADDRESS + pack(ip) + self._blocks
        return piece

    def _caller(self, api: ApiFacts, session: Session | None, key: str, version_name: str) -> Caller:
        name = (api.api_id, key, version_name)
        caller = self._callers.get(name)
        if caller is None or caller.api is not api or caller.session is not session:
            if len(self._callers) >= REMEMBERED:
                self._callers.clear()
            shown_key = writable(key) or self._no_key
            caller = self._callers[name] = Caller(api, session, shown_key, version_name, self._node_tags, self._short)
        return caller

    def _paths_of(self, path: str, tracked_path: str) -> bytes:
        if tracked_path:
            shown = tracked_path if tracked_path[:1] == "/" else f"/{tracked_path}"
            return self._pack_paths(shown, path)
        piece = self._paths.get(path)
        if piece is None:
            if len(self._paths) >= REMEMBERED:
                self._paths.clear()
            piece = self._paths[path] = self._pack_paths(path, path)
        return piece

    def _pack_paths(self, shown: str, path: str) -> bytes:
        return packed(Path=shown if self._normalise is None else self._normalise(shown), RawPath=path)

    def _times_of(self, total_ms: int, upstream_ms: int) -> tuple[bytes, bytes]:
        if len(self._times) >= REMEMBERED:
            self._times.clear()
        latency = {"Total": total_ms, "Upstream": upstream_ms, "Gateway": total_ms - upstream_ms}
        pieces = packed(RequestTime=total_ms, RawRequest="", RawResponse=""), packed(Latency=latency)
        self._times[total_ms << TIMES_SHIFT | upstream_ms] = pieces
        return pieces

    def _status(self, status: int) -> bytes:
        piece = packed(ResponseCode=status)
        if len(self._statuses) < REMEMBERED:
            self._statuses[status] = piece
        return piece

    def _look_at_clock(self, second: int) -> None:
        local = time.localtime(second)
        self._second = second
        self._date = packed(Day=local.tm_mday, Month=local.tm_mon, Year=local.tm_year, Hour=local.tm_hour)
        self._moment = PAIR + pack(second)


def _pack_head(head: HeadFacts) -> tuple[bytes, bytes, bytes]:
    return (
        packed(Method=head.method),
        packed(ContentLength=head.content_length, UserAgent=head.user_agent),
        packed(ApiSchema="", OriginalPath=head.original),
    )


def _host(url: bytes, caller: Caller) -> bytes:
    host = path_and_host(url)[1]
    return packed(Host=host) if host else caller.host


def _session_tags(session: Session) -> list[str]:
    policies = session.apply_policies or ([session.apply_policy_id] if session.apply_policy_id else [])
    tags = [f"pol-{policy}" for policy in policies]
    developer = session.meta_data.get("tyk_developer_id")
    if isinstance(developer, str):
        tags.append(f"dev-{developer}")
    return [*tags, *session.tags]


def _tags(caller: Caller, headers: Any, tags: tuple[str, ...]) -> bytes:
    """Return all tags in Tyk's order: of the session, headers, the API, the request, the node, and who is who."""
    of_headers = [
        f"{shown}-{value.decode('utf-8', 'replace')}"
        for name, shown in caller.api.tag_headers
        for value in headers.get_all(name)
    ]
    return packed(Tags=[*caller.session_tags, *of_headers, *caller.api.tags, *tags, *caller.last_tags]) + caller.alias


def readable(record: bytes) -> dict[str, Any]:
    """Return a record as a JSON object for people: times as text, without the blocks that are always empty."""
    fields: dict[str, Any] = msgspec.msgpack.decode(record)
    for name in EMPTY_BLOCKS:
        fields.pop(name, None)
    for name in ("TimeStamp", "ExpireAt"):
        second, nanoseconds = fields[name]
        fields[name] = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(second))}.{nanoseconds // 1000:06d}Z"
    return fields
