"""One worker's parts, put together as the composition root does it, in this process and without sockets."""

from __future__ import annotations

import json
import mmap
from pathlib import Path
from typing import Any

from sluicegate.analytics.metrics import Layout
from sluicegate.assembly import Parts, Shared
from sluicegate.settings.load import load_settings
from sluicegate.store.shared_counters import SharedCounters
from sluicegate.store_road import NodeMemory
from sluicegate.worker import Worker


class WorkerParts:
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

    async def close(self) -> None:
        await self.parts.close()
        self.shared.node.counters.close()

    async def load(self) -> None:
        await self.worker.configuration.load(may_empty=False)
