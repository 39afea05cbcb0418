"""Which of two limits gives more (contract 03.4): -1 is without limit, a rate counts by its seconds per request."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from sluicegate.apidef.session import Endpoint, EndpointMethod, JSONRPCMethodLimit, MCPPrimitiveLimit, RateLimit

NOT_LIMITED = -1


def seconds_each(rate: float, per: float) -> float | None:
    """Return how many seconds a request takes up; below 0 when there is no limit, None when none was set."""
    if not rate or not per:
        return None
    return per / rate if rate > 0 and per > 0 else -1.0


def is_more(first: int, second: int) -> bool:
    """Return whether the first amount is greater, -1 being the greatest."""
    if second == NOT_LIMITED:
        return False
    return first == NOT_LIMITED or first > second


def more(first: int, second: int) -> int:
    """Return the greater of two amounts, -1 being the greatest."""
    return second if is_more(second, first) else first


def merge_endpoints(first: Sequence[Endpoint], second: Sequence[Endpoint]) -> Sequence[Endpoint]:
    """Return the rate limits of both lists, by path and method; where both have one, the faster."""
    if not first or not second:
        return first or second
    merged = {endpoint.path: endpoint for endpoint in first}
    for endpoint in second:
        known = merged.get(endpoint.path)
        if known is None:
            merged[endpoint.path] = endpoint
            continue
        methods = {method.name: method for method in known.methods}
        for method in endpoint.methods:
            before = methods.get(method.name)
            limit = method.limit if before is None else _faster(before.limit, method.limit)
            methods[method.name] = EndpointMethod(name=method.name, limit=limit)
        merged[endpoint.path] = replace(known, methods=list(methods.values()))
    return list(merged.values())


def merge_methods(
    first: Sequence[JSONRPCMethodLimit], second: Sequence[JSONRPCMethodLimit]
) -> Sequence[JSONRPCMethodLimit]:
    """Return the limits of both lists, by method; where both have one, the faster."""
    merged = {entry.name: entry for entry in first}
    for entry in second:
        before = merged.get(entry.name)
        merged[entry.name] = entry if before is None else replace(entry, limit=_faster(before.limit, entry.limit))
    return list(merged.values()) or ()


def merge_primitives(
    first: Sequence[MCPPrimitiveLimit], second: Sequence[MCPPrimitiveLimit]
) -> Sequence[MCPPrimitiveLimit]:
    """Return the limits of both lists, by type and name; where both have one, the faster."""
    merged = {(entry.type, entry.name): entry for entry in first}
    for entry in second:
        key = (entry.type, entry.name)
        before = merged.get(key)
        merged[key] = entry if before is None else replace(entry, limit=_faster(before.limit, entry.limit))
    return list(merged.values()) or ()


def _faster(first: RateLimit, second: RateLimit) -> RateLimit:
    """Return the limit under which a request takes less time; one that is not set does not limit."""
    return (
        second if (seconds_each(second.rate, second.per) or 0) < (seconds_each(first.rate, first.per) or 0) else first
    )
