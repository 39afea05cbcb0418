"""A worker's parts put together, in this process: what a reload leaves behind."""

from __future__ import annotations

import gc
import json
import mmap
import os
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sluicegate.analytics.metrics import Layout
from sluicegate.assembly import Parts, Shared
from sluicegate.settings.load import load_settings
from sluicegate.store.shared_counters import SharedCounters
from sluicegate.store_road import NodeMemory
from sluicegate.worker import Worker


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


class Node:
    """One worker's parts, with a folder of definitions."""

    def __init__(self, folder: Path) -> None:
        self.apps = folder / "apps"
        self.apps.mkdir()
        conf = folder / "tyk.conf"
        conf.write_text(json.dumps({"app_path": str(self.apps), "sluicegate": {"store_path": str(folder / "s.db")}}))
        layout = Layout(10)
        settings = load_settings(conf, {}).settings
        node = NodeMemory("node", SharedCounters(None), 1)
        self.shared = Shared(settings, layout, [mmap.mmap(-1, layout.size_bytes)], node)
        self.parts = Parts.of(self.shared, 0)
        self.worker = Worker(self.parts)
        self.parts.join(self.worker)

    def write(self, definition: dict[str, Any]) -> None:
        (self.apps / f"{definition['api_id']}.json").write_text(json.dumps(definition))

    async def load(self) -> None:
        await self.worker.configuration.load(may_empty=False)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    made = Node(tmp_path)
    yield made
    await made.parts.close()
    made.shared.node.counters.close()


async def test_a_route_that_was_replaced_is_gone_without_the_collector(node: Node) -> None:
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


async def test_two_hundred_reloads_leave_memory_as_it_was(node: Node) -> None:
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
