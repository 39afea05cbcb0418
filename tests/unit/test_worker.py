"""A worker's parts put together, in this process: what it does when other nodes tell it something."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace
from tests.fakes.worker import WorkerParts

API = {"api_id": "told", "name": "Told", "proxy": {"listen_path": "/told/", "target_url": "http://127.0.0.1:1/"}}


async def test_a_node_reads_its_files_again_when_another_says_so_unless_that_is_suppressed(node: WorkerParts) -> None:
    services, worker = node.parts.services, node.worker
    heeding, services.settings = services.settings, replace(services.settings, suppress_redis_signal_reload=True)
    node.write({**API, "active": True, "use_keyless": True})
    worker.reload_own()
    assert not worker.tasks
    services.settings = heeding
    worker.reload_own()
    await asyncio.gather(*worker.tasks)
    assert worker.find_api("told") is not None
