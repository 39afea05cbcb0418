"""Which credentials an API asks for, and where a request shows them (contracts 02.2, 08.0).

An API may ask for several kinds at once; then every one of them has to be right, and `base_identity_provided_by` says
whose session counts. Where it says nothing, the last one's does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluicegate.wire.cookies import cookie_of
from sluicegate.wire.query import parameter_of

if TYPE_CHECKING:
    from sluicegate.apidef.classic import APIDefinition, AuthConfig
    from sluicegate.chain.exchange import Exchange

DEFAULT_HEADER = "Authorization"

KINDS_BESIDE_TOKENS = ("use_basic_auth", "use_oauth2")
"""Fields of a definition that ask for a kind of credentials that is served; without any, tokens are asked for."""


class Credential:
    """The header, query parameter and cookie that an entry of `auth_configs` names.

    A later one of these replaces an earlier one, even when it is wrong.
    """

    __slots__ = ("_cookie", "_header", "_parameter")

    def __init__(self, config: AuthConfig) -> None:
        header = config.auth_header_name or DEFAULT_HEADER
        fallback = DEFAULT_HEADER if config.disable_header else header
        self._header = b"" if config.disable_header else header.lower().encode()
        self._parameter = (config.param_name or fallback).encode() if config.use_param else b""
        self._cookie = (config.cookie_name or fallback).encode() if config.use_cookie else b""

    def text_in(self, exchange: Exchange) -> str:
        """Return what a request shows, decoded as UTF-8 with `surrogateescape`; "" when it shows nothing."""
        headers = exchange.changed_headers
        if headers is None:
            headers = exchange.request.headers
        found = ""
        if self._header and (value := headers.get(self._header)) is not None:
            found = value.decode("utf-8", "surrogateescape")
        if self._parameter and (text := parameter_of(exchange.query, self._parameter)):
            found = text
        if self._cookie and (text := cookie_of(headers.get_all(b"cookie"), self._cookie)):
            found = text
        return found


def asks_for_tokens(classic: APIDefinition) -> bool:
    """Return whether requests need a token: where it says so, or where nothing else is asked for."""
    if classic.use_keyless:
        return False
    return classic.use_standard_auth or not any(getattr(classic, field) for field in KINDS_BESIDE_TOKENS)


def token_config(classic: APIDefinition) -> AuthConfig:
    """Return where tokens are looked for: `auth_configs.authToken`, else the older `auth`."""
    return classic.auth_configs.get("authToken", classic.auth)


def provides_identity(classic: APIDefinition, kind: str) -> bool:
    """Return whether the session of this kind of credentials becomes the request's.

    kind: its value of `base_identity_provided_by`: `auth_token`, `basic_auth_user`, `oauth_key`.
    """
    return classic.base_identity_provided_by in ("", kind)
