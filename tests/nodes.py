"""Nodes that share their configuration, and what is asked of them."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.gateway import SECRET, Gateway, api
from tests.servers import RedisServer
from tests.wire import PATIENCE_S, get

UP = "http://127.0.0.1:1/"


def mock(listen_path: str, text: str, **more: Any) -> dict[str, Any]:
    """Return an API that answers with a text, itself."""
    white = {"path": "/", "method_actions": {"GET": {"action": "reply", "code": 200, "data": text, "headers": {}}}}
    version = {"name": "Default", "use_extended_paths": True, "extended_paths": {"white_list": [white]}}
    return api(listen_path, UP, version_data={"not_versioned": True, "versions": {"Default": version}}, **more)


def node(folder: Path, redis: RedisServer, conf: dict[str, Any] | None = None, **more: Any) -> Gateway:
    """Return a node of the cluster on that Redis."""
    folder.mkdir()
    base = {
        "storage": {"type": "redis", "host": "127.0.0.1", "port": redis.port, "timeout": 3},
        "cluster": {"enabled": True, "data_sync_interval": 1},
        "node_secret": "shared",
        "policies": {"policy_source": "file", "policy_path": str(folder / "policies")},
        "sluicegate": {"store_path": str(folder / "store.db")},
    }
    (folder / "policies").mkdir()
    return Gateway(folder, conf={**base, **(conf or {})}, **more)


@contextlib.contextmanager
def nodes(folder: Path, redis: RedisServer, count: int, **more: Any) -> Iterator[list[Gateway]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(node(folder / f"node{number}", redis, **more)) for number in range(count)]


def said(gateway: Gateway, path: str) -> bytes | int:
    """Return the body of an answer, or its status when it is not 200."""
    answer = gateway.ask(get(path))
    return answer.body if answer.status == 200 else answer.status


def call(
    gateway: Gateway, method: str, path: str, document: Any = None, **headers: str
) -> tuple[int, dict[str, str], Any]:
    """Call the gateway API; return status, headers and document."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        body = None if document is None else json.dumps(document)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {"X-Tyk-Authorization": SECRET, **named})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, json.loads(answer.read())
