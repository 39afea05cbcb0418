"""Certificates that lie in the store, their keys in clear: read before a table is built, and only those asked for.

What lies there is a chain in PEM and, last, the private key, encrypted with a secret of the settings (contract 05.3).
A node that shares a Redis with Tyk shows the same certificates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm

from sluicegate.errors import ConfigError
from sluicegate.store import names
from sluicegate.store.certificates import is_stored_id
from sluicegate.store.private_keys import in_clear

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.settings.model import Settings
    from sluicegate.store.backend import Backend


def asked_for(settings: Settings, apis: Iterable[Api]) -> set[str]:
    """Return the ids of all certificates that settings and definitions want from the store."""
    return {one for one in _references(settings, apis) if is_stored_id(one)}


def _references(settings: Settings, apis: Iterable[Api]) -> Iterator[str]:
    listed = settings.security.certificates
    yield from settings.http_server_options.ssl_certificates
    yield from listed.apis
    yield from listed.upstream.values()
    for api in apis:
        yield from named_by(api)


def named_by(api: Api) -> Iterator[str]:
    """Yield every reference to a certificate in a definition: ids in the store, paths and texts."""
    classic = api.classic
    yield from classic.certificates
    yield from classic.client_certificates
    yield from classic.upstream_certificates.values()
    yield classic.proxy.transport.ssl_ca_file


def encoding_secret(settings: Settings) -> str:
    """Return the secret that hides private keys in the store."""
    return settings.security.private_certificate_encoding_secret or settings.secret


async def read_stored(
    backend: Backend, ids: Iterable[str], settings: Settings
) -> tuple[dict[str, bytes], list[ConfigError]]:
    """Return the PEM texts by id, without those that are not there, and what is wrong with others.

    Raises StoreError.
    """
    wanted = sorted(ids)
    texts = await backend.mget([names.certificate(one) for one in wanted]) if wanted else []
    secret = encoding_secret(settings)
    found: dict[str, bytes] = {}
    problems = []
    for certificate_id, text in zip(wanted, texts, strict=True):
        if text is None:
            continue
        try:
            found[certificate_id] = in_clear(text, secret)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            what = f"the private key of certificate {certificate_id} cannot be decrypted"
            hint = "it was stored under another security.private_certificate_encoding_secret, or another secret"
            problems.append(ConfigError("security.private_certificate_encoding_secret", what, hint))
    return found, problems
