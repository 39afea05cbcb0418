"""The query of a call: of a parameter that is there several times the first counts, as Go has it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request


def query_of(request: Request) -> Mapping[str, str]:
    """Return the parameters by name."""
    return dict(reversed(request.query_params.multi_items()))
