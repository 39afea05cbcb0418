"""Tokens: what a key looks like to a client, whose it is, and under which hash it is stored (contract 05.2).

A token is `<org><id>`, or base64 of `{"org":"…","id":"…","h":"<algorithm>"}`, which names its own hash. A custom key is
any text that an administrator chose; it is stored as the token of its organisation and that text.

Text here is what came over the wire, decoded as UTF-8 with `surrogateescape`, so that no byte is lost in a hash.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import uuid
from collections.abc import Sequence

import mmh3
import msgspec

MURMUR32, MURMUR64, MURMUR128, SHA256 = "murmur32", "murmur64", "murmur128", "sha256"
ALGORITHMS = (MURMUR32, MURMUR64, MURMUR128, SHA256)

ORG_ID_LENGTH = 24
ORG_ID = re.compile(r"[0-9a-fA-F]{24}")


class _Parts(msgspec.Struct):
    org: str = ""
    id: str = ""
    h: str = ""


_decode_parts = msgspec.json.Decoder(_Parts).decode


def to_bytes(text: str) -> bytes:
    """Return the bytes that the text came as."""
    return text.encode("utf-8", "surrogateescape")


def murmur32_unfinished(data: bytes) -> int:
    """Return the running state of MurmurHash3 x86_32 (seed 0) after the whole 4-byte blocks.

    The 1-3 bytes at the end, the length and the final mixing are left out: keys are stored under this in every Tyk, so
    it has to stay, though texts shorter than 4 bytes are all 0.
    """
    state = 0
    for start in range(0, len(data) & ~3, 4):
        block = int.from_bytes(data[start : start + 4], "little") * 0xCC9E2D51 & 0xFFFFFFFF
        block = ((block << 15 | block >> 17) & 0xFFFFFFFF) * 0x1B873593 & 0xFFFFFFFF
        state ^= block
        state = (state << 13 | state >> 19) & 0xFFFFFFFF
        state = (state * 5 + 0xE6546B64) & 0xFFFFFFFF
    return state


def hash_text(text: str, algorithm: str = "") -> str:
    """Return the hash of a text in hexadecimal; an unknown algorithm is murmur32, as in Tyk."""
    data = to_bytes(text)
    if algorithm == MURMUR64:
        return f"{mmh3.hash64(data, signed=False)[0]:016x}"
    if algorithm == MURMUR128:
        high, low = mmh3.hash64(data, signed=False)
        return f"{high:016x}{low:016x}"
    if algorithm == SHA256:
        return hashlib.sha256(data).hexdigest()
    return f"{murmur32_unfinished(data):08x}"


def hash_token(token: str) -> str:
    """Return the hash under which a token is stored: the one it names, else murmur32."""
    parts = _parts_of(token)
    return hash_text(token, parts.h if parts is not None else "")


def org_of(token: str) -> str:
    """Return the organisation that a token says it belongs to; "" when it doesn't say."""
    parts = _parts_of(token)
    if parts is not None:
        return parts.org
    return token[:ORG_ID_LENGTH] if len(token) > ORG_ID_LENGTH and ORG_ID.match(token) else ""


def id_of(token: str) -> str:
    """Return the key's id without its organisation; a text that is no token is its own id."""
    parts = _parts_of(token)
    return parts.id if parts is not None else token[len(org_of(token)) :]


def make_secret() -> str:
    """Return a new secret in the form of Tyk's: of an OAuth client, or a refresh token."""
    return base64.b64encode(str(uuid.uuid4()).encode()).decode()


def make_token(org_id: str, key_id: str = "", algorithm: str = "") -> str:
    """Return the token of a key. No id makes a random one; no algorithm makes the short form `<org><id>`."""
    key_id = key_id.removeprefix(org_id) if key_id else uuid.uuid4().hex
    if not algorithm:
        return org_id + key_id
    named = algorithm if algorithm in ALGORITHMS else MURMUR64
    document = f'{{"org":"{org_id}","id":"{key_id}","h":"{named}"}}'
    return base64.b64encode(to_bytes(document)).decode("ascii")


def candidates(
    token: str, org_id: str, algorithm: str = "", fallbacks: Sequence[str] = (), composed: bool = True
) -> list[str]:
    """Return the tokens that a client of an API may mean by what it sent, the likeliest first (contract 05.2).

    algorithm, fallbacks: `hash_key_function` and `hash_key_function_fallback`.
    composed: whether a custom key is looked for under its own text (not `disable_key_actions_by_username`).
    """
    if org_of(token) == org_id:
        return [token]
    found = [make_token(org_id, token, algorithm)] if composed else []
    found.append(token)
    found.extend(make_token(org_id, token, fallback or MURMUR32) for fallback in fallbacks)
    return list(dict.fromkeys(found))


def _parts_of(token: str) -> _Parts | None:
    """Return what a token of the base64 form says, or None for any other text."""
    if not token.startswith("ey"):
        return None
    try:
        return _decode_parts(base64.b64decode(to_bytes(token), validate=True))
    except (binascii.Error, msgspec.DecodeError, ValueError):
        return None
