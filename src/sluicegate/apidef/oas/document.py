"""An OpenAPI document as a whole: what must be so for it to be read at all."""

from __future__ import annotations

from typing import Any

from sluicegate.apidef.gojson import convert
from sluicegate.apidef.oas.gateway import XTykAPIGateway
from sluicegate.errors import ConfigError

EXTENSION = "x-tyk-api-gateway"


def check_readable(document: Any, source: str) -> None:
    """Raise ConfigError when a value is no OpenAPI document (contract 02.8); what is in it is `check`'s business."""
    if not isinstance(document, dict):
        raise ConfigError(source, "the OpenAPI document is not an object")
    version = document.get("openapi")
    if not isinstance(version, str) or not version:
        raise ConfigError(source, "value of openapi must be a non-empty string")
    for name in ("info", "paths", "components", EXTENSION):
        if not isinstance(document.get(name, {}), dict | type(None)):
            raise ConfigError(source, f"{name} of the OpenAPI document is not an object")


def extension_of(document: dict[str, Any], source: str = "") -> XTykAPIGateway:
    """Return the extension of a document. Raises ConfigError when a field has the wrong type."""
    return convert(document.get(EXTENSION), XTykAPIGateway, f"{source}: {EXTENSION}" if source else EXTENSION)
