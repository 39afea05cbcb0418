"""From the text of a definition to an Api: the one way in for files and for whatever else brings definitions."""

from __future__ import annotations

import hashlib
import os
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition, LoadBalancing
from sluicegate.apidef.gojson import convert, parse
from sluicegate.apidef.oas.document import EXTENSION, check_readable, extension_of
from sluicegate.apidef.oas.extract import extract
from sluicegate.apidef.oas.targets import load_balancing_of
from sluicegate.apidef.references import put_secrets
from sluicegate.wire.url import port_of


def read_api(
    classic: bytes,
    oas: bytes | Callable[[APIDefinition], bytes] | None,
    source: str,
    secrets: Mapping[str, str],
    *,
    environ: Mapping[str, str] = os.environ,
    file_base: str = "",
) -> Api:
    """Return the API that these texts define. Raises ConfigError.

    classic: the classic definition; or an OAS document, which then needs no companion.
    oas:     the companion of a definition with `is_oas`: an OpenAPI document with the extension, or what fetches it.
    source:  where the texts are from, for messages.
    secrets, environ, file_base: what references in them may name (contract 02.0).

    A classic definition that names a listen path was written by a gateway or Dashboard beside its document and counts
    as it stands, as with Tyk; of one that does not, everything is taken from the document.
    """
    text = _text(classic, secrets, environ, file_base)
    value = parse(text, source)
    if oas is None and isinstance(value, dict) and EXTENSION in value:
        return _from_document(value, APIDefinition(is_oas=True), source, checksum_of(text))
    definition = convert(value, APIDefinition, source)
    if callable(oas):
        oas = oas(definition) if definition.is_oas else None
    if oas is None:
        return _api(definition, None, source, checksum_of(text))
    oas_text = _text(oas, secrets, environ, file_base)
    document = parse(oas_text, source)
    return _from_document(document, replace(definition, is_oas=True), source, checksum_of(text + oas_text))


def checksum_of(text: str) -> str:
    """Return the base64url SHA-256 of a definition's text."""
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()


def problem_of(definition: APIDefinition) -> str:
    """Return why a definition is listed but not routed (contract 02.0), or ""."""
    path = definition.proxy.listen_path
    if not path:
        return "the listen path is empty"
    if " " in path:
        return "the listen path contains a space"
    if not path.startswith("/"):
        return "the listen path must start with a slash"
    try:
        port_of(urlsplit(definition.proxy.target_url))
    except ValueError as error:
        return f"the target URL cannot be parsed: {error}"
    return ""


def _text(data: bytes, secrets: Mapping[str, str], environ: Mapping[str, str], file_base: str) -> str:
    return put_secrets(data.decode("utf-8", "replace"), secrets, environ, file_base)


def _from_document(document: Any, definition: APIDefinition, source: str, checksum: str) -> Api:
    check_readable(document, source)
    if not definition.proxy.listen_path:
        definition = extract(document, definition, source)
    elif definition.proxy.load_balancing is None:
        balancing = load_balancing_of(extension_of(document, source))
        definition = _with_balancing(definition, balancing)
    return _api(definition, document, source, checksum)


def _with_balancing(definition: APIDefinition, balancing: LoadBalancing | None) -> APIDefinition:
    if balancing is None:
        return definition
    return replace(definition, proxy=replace(definition.proxy, load_balancing=balancing))


def _api(definition: APIDefinition, document: dict[str, Any] | None, source: str, checksum: str) -> Api:
    return Api(definition, document, source, checksum, problem_of(definition))
