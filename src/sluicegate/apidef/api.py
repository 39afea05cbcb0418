"""An API definition as it was read: the one thing that routing and the middlewares get of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sluicegate.apidef.classic import APIDefinition


@dataclass(frozen=True, slots=True)
class Api:
    """A definition that is in order.

    classic:  what the API does; of an OAS API it is extracted from the document (contract 02.8).
    oas:      the whole OpenAPI document with its extension, or None for a classic API. Nobody changes it.
    source:   where it came from: a file, or "admin API".
    checksum: base64url of the SHA-256 of the definition (contract 02.0); it is the same only if nothing changed.
    problem:  why the API is not routed though it is listed (contract 02.0: an empty listen path), or "".
    """

    classic: APIDefinition
    oas: dict[str, Any] | None = None
    source: str = ""
    checksum: str = ""
    problem: str = ""

    @property
    def api_id(self) -> str:
        """The key of the API everywhere."""
        return self.classic.api_id
