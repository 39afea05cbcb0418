"""The targets of an upstream: with weights in the extension, repeated in a classic definition (contract 02.3).

Tyk writes a target of weight 3 three times. The weights are kept too, in our `proxy.load_balancing`: one for each
target, in the order of first mention.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sluicegate.apidef.classic import LoadBalancing
from sluicegate.apidef.oas.gateway import XTykAPIGateway
from sluicegate.apidef.oas.mapping import Tree
from sluicegate.apidef.oas.upstream import LoadBalancingTarget

LONGEST_LIST = 10_000
"""With more repetitions than this each target is listed once; its weight is known all the same."""


def put_targets(extension: XTykAPIGateway, classic: Tree) -> None:
    """Put load balancing into the classic tree."""
    balancing = extension.upstream.loadBalancing
    proxy = classic["proxy"]
    proxy["enable_load_balancing"] = balancing is not None and balancing.enabled
    proxy["check_host_against_uptime_tests"] = balancing is not None and balancing.skipUnavailableHosts
    proxy["target_list"] = _repeated(balancing.targets) if balancing is not None else None
    ours = load_balancing_of(extension)
    proxy["load_balancing"] = None
    if ours is not None:
        proxy["load_balancing"] = {
            "algorithm": ours.algorithm,
            "cookie_name": ours.cookie_name,
            "weights": list(ours.weights),
        }


def load_balancing_of(extension: XTykAPIGateway) -> LoadBalancing | None:
    """Return how targets are chosen, or None when it is Tyk's way and all weigh the same."""
    balancing = extension.upstream.loadBalancing
    if balancing is None:
        return None
    weights = [target.weight for target in balancing.targets if target.weight > 0]
    if not balancing.algorithm and len(set(weights)) < 2:
        return None
    return LoadBalancing(algorithm=balancing.algorithm, cookie_name=balancing.cookieName, weights=weights)


def _repeated(targets: Sequence[LoadBalancingTarget]) -> list[str]:
    if sum(max(0, target.weight) for target in targets) > LONGEST_LIST:
        return [target.url for target in targets if target.weight > 0]
    return [target.url for target in targets for _ in range(target.weight)]


def targets_of(classic: Tree) -> Tree | None:
    """Return `upstream.loadBalancing` for a classic tree, or None when it has none."""
    proxy = classic.get("proxy") or {}
    listed = proxy.get("target_list") or []
    if not listed and not proxy.get("enable_load_balancing"):
        return None
    ours = proxy.get("load_balancing") or {}
    counts = Counter(listed)
    weights = dict(zip(counts, ours.get("weights") or (), strict=False))
    return {
        "enabled": proxy.get("enable_load_balancing", False),
        "skipUnavailableHosts": proxy.get("check_host_against_uptime_tests", False),
        "targets": [{"url": url, "weight": weights.get(url, count)} for url, count in counts.items()] or None,
        "algorithm": ours.get("algorithm", ""),
        "cookieName": ours.get("cookie_name", ""),
    }
