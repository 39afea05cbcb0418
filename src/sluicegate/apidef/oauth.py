"""OAuth 2 clients, codes and tokens as they lie in the store: JSON as Tyk's OAuth server writes it (contract 05.1).

A record is read whatever a Tyk node of any age left in it, and written field for field as Tyk writes it.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from sluicegate.apidef.gotypes import GoStruct, Omit

Record = TypeVar("Record", bound=GoStruct)


class OAuthClient(GoStruct, frozen=True):
    """A program that may ask for tokens of one API."""

    id: str = ""
    secret: str = ""
    redirecturi: str = ""  # several, where `oauth_redirect_uri_separator` says what stands between them
    meta_data: Omit[Any] = None  # goes into the sessions of its tokens
    policyid: str = ""
    description: str = ""


NO_CLIENT = OAuthClient()


class AuthorizeData(GoStruct, frozen=True, rename="pascal"):
    """What an authorization code stands for."""

    client: OAuthClient = NO_CLIENT
    code: str = ""
    expires_in: int = 0  # s
    scope: str = ""
    redirect_uri: str = ""
    state: str = ""
    created_at: str = ""  # RFC 3339
    user_data: Any = None  # the session that the token is to have, as JSON text


class EarlierAccess(GoStruct, frozen=True, rename="pascal"):
    """The access that another one took the place of; what came before that is not carried on."""

    client: OAuthClient = NO_CLIENT
    authorize_data: AuthorizeData | None = None
    access_data: Any = None
    access_token: str = ""
    refresh_token: str = ""
    expires_in: int = 0
    scope: str = ""
    redirect_uri: str = ""
    created_at: str = ""
    user_data: Any = None


class AccessData(GoStruct, frozen=True, rename="pascal"):
    """What an access token, and the refresh token that came with it, stand for."""

    client: OAuthClient = NO_CLIENT
    authorize_data: AuthorizeData | None = None
    access_data: EarlierAccess | None = None
    access_token: str = ""
    refresh_token: str = ""
    expires_in: int = 0  # s
    scope: str = ""
    redirect_uri: str = ""
    created_at: str = ""  # RFC 3339
    user_data: Any = None  # the session that the token got, as JSON text

    def as_earlier(self) -> EarlierAccess:
        """Return what is left of it in the access that takes its place."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        return EarlierAccess(**{**fields, "access_data": None})


def decode(data: bytes, kind: type[Record]) -> Record | None:
    """Return a record, or None for one that cannot be read: in Tyk such a record is as good as none.

    Tyk carries on every access that a refreshed one took the place of, each inside the next, so nothing here limits how
    deep a record may be.
    """
    try:
        return msgspec.json.decode(data, type=kind, strict=False)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
