"""The gateway API in front of a node in memory, called as a client calls it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.fakes.node import SECRET, FakeNode

from sluicegate.admin.app import create_app


class Admin:
    """A client that knows the secret."""

    def __init__(self, node: FakeNode) -> None:
        self.node = node
        self._client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(create_app(node)),
            base_url="http://gateway",
            headers={"X-Tyk-Authorization": SECRET},
        )

    async def call(self, method: str, path: str, json: Any = None, **options: Any) -> httpx2.Response:
        """Return the answer to one call; `json` is the body."""
        if json is not None:
            options["json"] = json
        return await self._client.request(method, path, **options)

    async def said(self, method: str, path: str, json: Any = None, **options: Any) -> tuple[int, Any]:
        """Return status and message of an answer, or status and body where there is none."""
        answer = await self.call(method, path, json, **options)
        body = answer.json()
        return answer.status_code, body.get("message", body) if isinstance(body, dict) else body


@pytest.fixture
def make_admin(tmp_path: Path) -> Callable[..., Admin]:
    """A function that returns a client of a node with the settings given to it."""
    return lambda **settings: Admin(FakeNode(tmp_path, settings))


@pytest.fixture
def admin(make_admin: Callable[..., Admin]) -> Admin:
    """A client of a node with plain settings."""
    return make_admin()


def classic(api_id: str = "a1", listen_path: str = "/a1/", **fields: Any) -> dict[str, Any]:
    """Return a classic definition."""
    return {
        "api_id": api_id,
        "org_id": "default",
        "name": api_id,
        "use_keyless": True,
        "version_data": {"not_versioned": True, "versions": {"v1": {"name": "v1"}}},
        "proxy": {"listen_path": listen_path, "target_url": "http://127.0.0.1:1"},
        **fields,
    }


@pytest.fixture
def definition() -> Callable[..., dict[str, Any]]:
    """The function that makes classic definitions."""
    return classic
