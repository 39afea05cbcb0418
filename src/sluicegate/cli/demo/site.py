"""A whole cluster on one machine: service, store, nodes, balancer, two APIs and a key."""

from __future__ import annotations

import json
import secrets
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

from sluicegate.cli.demo.fronts import DRAIN_S, installed, start_front
from sluicegate.cli.demo.nodes import Node
from sluicegate.cli.demo.processes import NotStarted, Process, call, free_ports, listens
from sluicegate.cli.demo.stores import Store
from sluicegate.cluster.status import Status

FRONT_PORT = 8080
OPEN, KEYED = "/open/hello", "/keyed/hello"
LOOK_LIMIT_S = 1.0


class Site:
    """The cluster; everything is in one folder and ends with `close`.

    version: of the API that `change` changes; the service's answer names it.
    key:     of the API that asks for one.
    urls:    where traffic goes: to the balancer, else to the nodes themselves.
    """

    def __init__(self, folder: Path, nodes: int, store: Store) -> None:
        self.folder = folder
        self.store = store
        self.front = installed()
        self.version, self.key = 1, ""
        secret, ports = secrets.token_hex(16), free_ports([0] * (nodes + 1))
        self._service_port = ports.pop()
        drain_s = DRAIN_S.get(self.front, 0)
        self.nodes = [
            Node(folder / f"node-{number}", f"node-{number}", port, self.store, secret, drain_s)
            for number, port in enumerate(ports, 1)
        ]
        self.urls = [node.url for node in self.nodes]
        self._stack = ExitStack()

    def start(self) -> None:
        """Start all of it. Raises NotStarted; then call `close` all the same."""
        line = [sys.executable, "-m", "sluicegate.cli.demo.service", str(self._service_port)]
        service = Process(line, self.folder / "service.log")
        self._stack.callback(service.kill)
        service.start()
        self.store.start(self._stack)
        for node in self.nodes:
            self._stack.callback(node.process.kill)
            node.start()
        service.wait_until(lambda: listens(self._service_port), "does not listen")
        for node in self.nodes:
            node.wait()
        try:
            self._fill()
        except OSError as error:
            raise NotStarted(str(error)) from None
        self.wait_known()
        if self.front:
            ports = [node.port for node in self.nodes]
            port = start_front(self.front, self.folder / "front", ports, FRONT_PORT, self._stack)
            self.urls = [f"http://127.0.0.1:{port}"]

    def close(self) -> None:
        """End all of it: the nodes in order, together, then the rest."""
        self.store.resume()
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(Node.stop, self.nodes))
        self._stack.close()

    def _fill(self) -> None:
        first = self.nodes[0]
        first.admin("POST", "/tyk/apis", self._definition("open", use_keyless=True))
        first.admin("POST", "/tyk/apis", self._definition("keyed", use_standard_auth=True))
        rights = {"keyed": {"api_id": "keyed", "api_name": "keyed", "versions": ["Default"]}}
        session = {"rate": 100_000, "per": 1, "quota_max": -1, "org_id": "default", "access_rights": rights}
        self.key = first.admin("POST", "/tyk/keys", session)["key"]

    def _definition(self, name: str, **more: Any) -> dict[str, Any]:
        target = f"http://127.0.0.1:{self._service_port}/v{self.version}/"
        return {
            "name": name,
            "api_id": name,
            "org_id": "default",
            "active": True,
            "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
            "auth": {"auth_header_name": "Authorization"},
            "proxy": {"listen_path": f"/{name}/", "target_url": target, "strip_listen_path": True},
            **more,
        }

    # -- acting on it

    def up(self) -> list[Node]:
        """Return the nodes that nobody has ended."""
        return [node for node in self.nodes if not node.is_down]

    def wait_known(self) -> None:
        """Wait until every node that is up serves the APIs, and has seen the key. Raises NotStarted.

        A key that a node has never seen it cannot know with the store away: it answers 503.
        """
        for node in self.up():
            node.process.wait_until(partial(self._knows, node), "does not serve what the cluster shares")

    def _knows(self, node: Node) -> bool:
        with suppress(OSError):
            call(node.url + KEYED, {"Authorization": self.key})
            return True
        return False

    def change(self) -> int:
        """Change a definition through one node, and return its new version. Raises OSError."""
        self.version += 1
        self.up()[0].admin("PUT", "/tyk/apis/open", self._definition("open", use_keyless=True))
        return self.version

    def serves(self, node: Node, version: int) -> bool:
        """Return whether a node serves that version."""
        with suppress(OSError, ValueError), urllib.request.urlopen(node.url + OPEN, timeout=LOOK_LIMIT_S) as answer:  # noqa: S310 - of ours
            return bool(json.load(answer)["path"].startswith(f"/v{version}/"))
        return False

    def status(self) -> Status | None:
        """Return the status as the first node says it that says anything."""
        for node in self.up():
            with suppress(OSError, ValueError):
                return node.status()
        return None
