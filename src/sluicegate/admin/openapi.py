"""`/tyk/openapi.json`: this API described by itself.

`openapi.yaml` is written by hand; a test compares it with `routes.py`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.envelope import answer
from sluicegate.admin.node import Node


async def show(node: Node, request: Request) -> Response:
    """Answer the OpenAPI document."""
    return answer(document())


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document; nobody changes it."""
    text = files("sluicegate.admin").joinpath("openapi.yaml").read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded
