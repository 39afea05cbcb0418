"""A worker's parts put together, in this process: what a reload leaves behind."""

from __future__ import annotations

import gc
import os
import weakref
from typing import Any

from tests.fakes.worker import WorkerParts


def busy_api(api_id: str, name: str) -> dict[str, Any]:
    """Return a definition with something of everything."""
    lists = {
        "white_list": [{"path": "/a", "method_actions": {"GET": {"action": "no_action"}}}],
        "black_list": [{"path": "/b", "method_actions": {"GET": {"action": "no_action"}}}],
        "ignored": [{"path": "/c", "method_actions": {"GET": {"action": "reply", "code": 200, "data": "mock"}}}],
        "hard_timeouts": [{"path": "/d", "method": "GET", "timeout": 1}],
        "circuit_breakers": [{"path": "/e", "method": "GET", "threshold_percent": 0.5, "samples": 5}],
        "transform_headers": [{"path": "/f", "method": "GET", "add_headers": {"X-A": "$tyk_context.path"}}],
        "transform_response_headers": [{"path": "/g", "method": "GET", "add_headers": {"X-A": "b"}}],
        "url_rewrites": [{"path": "/h", "method": "GET", "match_pattern": "/h", "rewrite_to": "/i"}],
        "size_limits": [{"path": "/j", "method": "POST", "size_limit": 10}],
        "method_transforms": [{"path": "/k", "method": "GET", "to_method": "POST"}],
        "cache": ["/l"],
    }
    version = {"name": "v1", "use_extended_paths": True, "extended_paths": lists}
    return {
        "name": name,
        "api_id": api_id,
        "org_id": "org",
        "active": True,
        "use_standard_auth": True,
        "enable_ip_whitelisting": True,
        "allowed_ips": ["127.0.0.1"],
        "enable_context_vars": True,
        "CORS": {"enable": True, "allowed_origins": ["*"]},
        "cache_options": {"enable_cache": True, "cache_timeout": 60},
        "global_rate_limit": {"rate": 10, "per": 1},
        "uptime_tests": {"check_list": [{"url": "http://127.0.0.1:1/"}]},
        "definition": {"location": "header", "key": "version"},
        "version_data": {"not_versioned": False, "versions": {"v1": version, "v2": {**version, "name": "v2"}}},
        "proxy": {
            "listen_path": f"/{api_id}/",
            "target_url": "http://127.0.0.1:1/",
            "enable_load_balancing": True,
            "check_host_against_uptime_tests": True,
            "target_list": ["http://127.0.0.1:1/", "http://127.0.0.1:2/"],
        },
    }


async def test_a_route_that_was_replaced_is_gone_without_the_collector(node: WorkerParts) -> None:
    node.write(busy_api("a", "first"))
    await node.load()
    (route,) = node.parts.reloader.table.routes
    gone = [weakref.ref(one) for one in (route, *route.versions.routes.values(), *route.upstreams())]
    del route
    assert gc.isenabled()
    gc.disable()
    try:
        node.write(busy_api("a", "second"))
        await node.load()
        assert [one() for one in gone] == [None] * len(gone)
    finally:
        gc.enable()
    assert [one.name for one in node.parts.reloader.table.routes] == ["second"]


async def test_two_hundred_reloads_leave_memory_as_it_was(node: WorkerParts) -> None:
    def objects() -> int:
        """Count what the collector would have to look at; it never looks at what was set aside."""
        gc.unfreeze()
        return len(gc.get_objects())

    (node.apps / "bad.json").write_text('{"api_id": 1')
    for round_number in range(20):
        node.write(busy_api("a", f"round {round_number}"))
        await node.load()
    before, files = objects(), len(os.listdir("/proc/self/fd"))
    for round_number in range(180):
        node.write(busy_api("a", f"again {round_number}"))
        await node.load()
    assert objects() - before < 200
    assert len(os.listdir("/proc/self/fd")) <= files + 20  # health tests come and go
