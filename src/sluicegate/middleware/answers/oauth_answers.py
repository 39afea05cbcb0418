"""What the OAuth server says: its errors (RFC 6749 section 5.2) in Tyk's words, and the form of its answers (08.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from sluicegate.chain.outcome import Reply

JSON = (b"Content-Type", b"application/json")
TEXT = (b"Content-Type", b"text/plain; charset=utf-8")

NOT_KEPT = [
    (b"X-Content-Type-Options", b"nosniff"),
    (b"X-XSS-Protection", b"1; mode=block"),
    (b"X-Frame-Options", b"DENY"),
    (b"Strict-Transport-Security", b"max-age=63072000; includeSubDomains"),
    (b"Cache-Control", b"no-cache, no-store, must-revalidate"),
    (b"Pragma", b"no-cache"),
    (b"Expires", b"0"),
]
"""Headers of answers that hold a token, or could."""

TEXTS = {
    "invalid_request": "The request is missing a required parameter, includes an invalid parameter value, "
    "includes a parameter more than once, or is otherwise malformed.",
    "unauthorized_client": "The client is not authorized to request a token using this method.",
    "access_denied": "The resource owner or authorization server denied the request.",
    "unsupported_response_type": "The authorization server does not support obtaining a token using this method.",
    "server_error": "The authorization server encountered an unexpected condition that prevented it from "
    "fulfilling the request.",
    "temporarily_unavailable": "The authorization server is currently unable to handle the request due to a "
    "temporary overloading or maintenance of the server.",
    "unsupported_grant_type": "The authorization grant type is not supported by the authorization server.",
    "invalid_grant": "The provided authorization grant (e.g., authorization code, resource owner credentials) or "
    "refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization "
    "request, or was issued to another client.",
    "invalid_client": "Client authentication failed (e.g., unknown client, no client authentication included, or "
    "unsupported authentication method).",
}


class OAuthError(Exception):
    """A request that gets no token.

    code:     of RFC 6749 section 5.2, a key of TEXTS.
    state:    what the client sent along.
    redirect: where the client would learn of it, where that is known.
    """

    def __init__(self, code: str, state: str = "", redirect: str = "") -> None:
        super().__init__(code)
        self.code, self.state, self.redirect = code, state, redirect

    @property
    def text(self) -> str:
        """What it means."""
        return TEXTS[self.code]

    @property
    def output(self) -> dict[str, Any]:
        """The fields of the answer."""
        said = {"error": self.code, "error_description": self.text}
        return {**said, "state": self.state} if self.state else said


def output(fields: Mapping[str, Any]) -> bytes:
    """Return the JSON of an answer: fields by the alphabet, nothing escaped for HTML, a newline at the end."""
    return msgspec.json.encode(dict(fields), order="sorted") + b"\n"


def envelope(status: int, message: str) -> Reply:
    """Return an answer in the form of the gateway API (contract 04.1)."""
    said = {"status": "ok" if status == 200 else "error", "message": message}
    return Reply(status, [JSON], msgspec.json.encode(said) + b"\n", tracked=False)
