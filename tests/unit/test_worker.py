"""A worker's parts put together, in this process: what it does when other nodes tell it something."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace
from tests.fakes.worker import WorkerParts

from sluicegate import worker as worker_module

LOOKS = 5  # of a worker that drains at whether it may end
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


async def test_many_reloads_at_once_are_two_the_second_with_what_was_written_meanwhile(node: WorkerParts) -> None:
    load = node.worker.configuration.load
    first = asyncio.create_task(load(may_empty=False))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    node.write({**API, "active": True, "use_keyless": True})
    others = [asyncio.create_task(load(may_empty=False)) for _ in range(50)]
    others[0].cancel()  # who hangs up takes nothing from the others
    await asyncio.gather(first, *others[1:])
    assert node.worker.find_api("told") is not None
    assert node.parts.reloader.table.generation == 2


async def test_it_ends_after_a_call_of_the_gateway_api_whose_client_has_hung_up(
    node: WorkerParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "DRAIN_LOOK_S", 0.0)
    written = asyncio.Event()
    calling = asyncio.create_task(node.parts.control.to_its_end(written.wait()))
    await asyncio.sleep(0)
    calling.cancel()
    node.worker.drain()
    for _ in range(LOOKS):
        await asyncio.sleep(0)
    assert not node.worker.ended.is_set()
    written.set()
    await asyncio.wait_for(node.worker.ended.wait(), 5)
