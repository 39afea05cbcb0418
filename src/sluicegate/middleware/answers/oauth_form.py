"""The parameters of a request to the OAuth server: query and form, as Go's net/http reads them (contract 08.5)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

import msgspec

if TYPE_CHECKING:
    from sluicegate.chain.exchange import Exchange

BODY_LIMIT_BYTES = 1 << 20
"""The longest body; a longer one is refused with 413."""
MOST_FIELDS = 1000
LONGEST_NAME = 1024
"""The longest id, code or token that is looked up: none that was given out is longer."""

FORM = b"application/x-www-form-urlencoded"
JSON = b"application/json"

_decode_texts = msgspec.json.Decoder(dict[str, str]).decode


class Form(NamedTuple):
    """The parameters: `all`, where those of the body come before those of the query, and the `posted` alone."""

    all: Mapping[str, str]
    posted: Mapping[str, str]

    def get(self, name: str) -> str:
        """Return a parameter; "" when it is not there."""
        return self.all.get(name, "")

    def name(self, name: str) -> str:
        """Return a parameter that something is looked up by; "" when it cannot be the name of anything."""
        text = self.get(name)
        return text if len(text) <= LONGEST_NAME else ""


async def read_form(exchange: Exchange, *, or_json: bool = False) -> Form:
    """Return what a request says. Raises BadMessage 413 for a body that is too long.

    or_json: a JSON object of texts counts as a form, and over everything else.
    """
    queried = parameters_in(exchange.request.query)
    if exchange.request.method != b"POST":
        return Form(queried, {})
    kind = (exchange.request.headers.get(b"content-type") or b"").partition(b";")[0].strip().lower()
    body = await exchange.read_body(BODY_LIMIT_BYTES)
    if kind == FORM:
        posted = parameters_in(body)
        return Form({**queried, **posted}, posted)
    if kind == JSON and or_json:
        try:
            return Form({**queried, **_decode_texts(body)}, {})
        except (msgspec.DecodeError, UnicodeError):
            return Form(queried, {})
    return Form(queried, {})


def parameters_in(text: bytes) -> dict[str, str]:
    """Return the parameters by name, of several with one name the first; none where there are far too many."""
    try:
        pairs = parse_qsl(text.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
    return dict(reversed(pairs))


def basic_credentials(exchange: Exchange) -> tuple[str, str] | None:
    """Return the id and the secret that a client shows (RFC 7617), or None."""
    scheme, _, encoded = (exchange.request.headers.get(b"authorization") or b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        shown = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return None
    client_id, colon, secret = shown.partition(":")
    return (client_id, secret) if colon and len(client_id) <= LONGEST_NAME else None
