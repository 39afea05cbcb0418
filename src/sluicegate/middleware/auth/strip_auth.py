"""Takes the credentials out of the request before it goes on.

Asked for by `strip_auth_data` (contract 06.4 #17, 08.1). All sources that `auth_configs` and `auth` name are emptied:
the header, the query parameter, and of the cookies only that one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from sluicegate.apidef.classic import AuthConfig
from sluicegate.chain.credentials import DEFAULT_HEADER
from sluicegate.chain.middleware import Middleware
from sluicegate.wire.cookies import without_cookie
from sluicegate.wire.headers import Field, make_field
from sluicegate.wire.query import without_parameter

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services


class StripAuth(Middleware):
    """Removes headers, parameters and cookies by the names that credentials come under."""

    name = "StripAuth"

    def __init__(self, configs: list[AuthConfig]) -> None:
        self._headers = frozenset(_header(one).lower().encode() for one in configs if not one.disable_header)
        self._parameters = _distinct(one.param_name or _header(one) for one in configs if one.use_param)
        self._cookies = _distinct(one.cookie_name or _header(one) for one in configs if one.use_cookie)

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when credentials are not to go on."""
        classic = api.classic
        if not classic.strip_auth_data:
            return None
        configs = dict(classic.auth_configs)
        configs.setdefault("authToken", classic.auth)
        if classic.use_basic_auth:
            configs.setdefault("basic", AuthConfig())
        return cls(list(configs.values()))

    def on_request(self, exchange: Exchange) -> None:
        """Empty all sources of credentials."""
        if self._headers:
            headers = exchange.headers
            headers.fields = [field for field in headers.fields if field.name not in self._headers]
        if self._cookies:
            self._strip_cookies(exchange)
        query = exchange.query
        if query and self._parameters:
            left = query
            for name in self._parameters:
                left = without_parameter(left, name)
            if left != query:
                exchange.url = b"%b?%b" % (exchange.path, left) if left else exchange.path

    def _strip_cookies(self, exchange: Exchange) -> None:
        headers = exchange.headers
        kept: list[Field] = []
        for field in headers.fields:
            if field.name == b"cookie":
                value = field.value
                for name in self._cookies:
                    value = without_cookie(value, name)
                if not value:
                    continue
                if value != field.value:
                    field = make_field(b"cookie", value)
            kept.append(field)
        headers.fields = kept


def _header(config: AuthConfig) -> str:
    return config.auth_header_name or DEFAULT_HEADER


def _distinct(names: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(name.encode() for name in names))
