"""A gateway of a cluster on one machine."""

from __future__ import annotations

import json
import os
import urllib.error
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from sluicegate.cli.demo.processes import Process, call, sluicegate
from sluicegate.cli.demo.stores import Store
from sluicegate.cluster.status import Status

SYNC_INTERVAL_S = 2


class Node:
    """One node of one worker: its files are in a folder of its own.

    is_down: it was killed or stopped on purpose.
    """

    def __init__(self, folder: Path, name: str, port: int, store: Store, secret: str, drain_s: float) -> None:
        self.name, self.port, self.secret = name, port, secret
        self.url = f"http://127.0.0.1:{port}"
        self.is_down = False
        folder.mkdir()
        (folder / "apps").mkdir()
        conf: dict[str, Any] = {
            "listen_address": "127.0.0.1",
            "listen_port": port,
            "secret": secret,
            "app_path": str(folder / "apps"),
            "hash_keys": True,
            "cluster": {"enabled": True, "node_id": name, "data_sync_interval": SYNC_INTERVAL_S},
            "graceful_shutdown_delay_seconds": drain_s,
            **store.settings(),
        }
        conf["sluicegate"] = {"snapshot_path": str(folder / "snapshot"), **conf.get("sluicegate", {})}
        file = folder / "tyk.conf"
        file.write_text(json.dumps(conf, indent=1))
        environ = {key: value for key, value in os.environ.items() if not key.startswith("TYK_")}
        self.process = Process([sluicegate(), "start", "--conf", str(file), "--workers", "1"], folder / "log", environ)

    def start(self) -> None:
        """Start it, without waiting for it."""
        self.process.start()
        self.is_down = False

    def wait(self) -> None:
        """Wait until it may get traffic. Raises NotStarted."""
        self.process.wait_until(self.is_ready, "does not become ready")

    def is_ready(self) -> bool:
        """Return whether it may get traffic."""
        with suppress(OSError, ValueError):
            call(f"{self.url}/ready")
            return True
        return False

    def kill(self) -> None:
        """End it by force."""
        self.is_down = True
        self.process.kill()

    def stop(self) -> None:
        """Have it drain and end."""
        self.is_down = True
        self.process.stop()

    def admin(self, method: str, path: str, document: Any = None) -> Any:
        """Call its admin API. Raises OSError, with what it answered."""
        try:
            return call(self.url + path, {"X-Tyk-Authorization": self.secret}, document, method)
        except urllib.error.HTTPError as error:
            raise OSError(f"{method} {path}: {error.code} {error.read().decode('utf-8', 'replace')[:200]}") from None

    def status(self) -> Status:
        """Return how the cluster is. Raises OSError, ValueError."""
        return msgspec.convert(self.admin("GET", "/tyk/cluster/status"), Status)
