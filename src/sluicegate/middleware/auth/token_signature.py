"""Checks the signature that goes with a token (contract 08.1).

Asked for by `validate_signature` of the token's source. A client shows a digest of its key, a secret that it shares
with the gateway, and the time in whole seconds; so a token that was overheard is of use for a moment only.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from sluicegate.chain.credentials import asks_for_tokens, token_config
from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Rejection
from sluicegate.chain.variables import Template
from sluicegate.clock import now
from sluicegate.store.tokens import id_of, to_bytes
from sluicegate.wire.query import parameter_of

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import SignatureConfig, VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

NOT_VERIFIED = Rejection(401, "Request signature verification failed", "auth_signature_wrong", flag="AKI")
UNKNOWN_ALGORITHM = Rejection(500, "internal server error", "auth_signature_algorithm_unknown")

ALGORITHMS: dict[str, Callable[[bytes], Any]] = {
    "MasheryMD5": hashlib.md5,  # what clients of that product send; it guards nothing by itself
    "MasherySHA256": hashlib.sha256,
}

LARGEST_SKEW_S = 3600
"""A larger `allowed_clock_skew` counts as this: every second of it is one digest to work out."""


class TokenSignature(Middleware):
    """Compares the signature with that of every second within the allowed skew."""

    name = "AuthKey"
    runs_when_ignored = False

    def __init__(self, config: SignatureConfig, org_id: str) -> None:
        self._org_id = org_id
        self._digest = ALGORITHMS.get(config.algorithm)
        self._header = config.header.lower().encode()
        self._parameter = (config.param_name or config.header).encode() if config.use_param else b""
        self._secret = Template(config.secret)
        self._skew_s = min(max(0, config.allowed_clock_skew), LARGEST_SKEW_S)
        self._rejection = Rejection(
            config.error_code if 400 <= config.error_code <= 599 else NOT_VERIFIED.status,
            config.error_message or NOT_VERIFIED.message,
            NOT_VERIFIED.code,
            NOT_VERIFIED.flag,
        )

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when tokens of the API have to be signed."""
        classic = api.classic
        config = token_config(classic)
        if not config.validate_signature or not asks_for_tokens(classic):
            return None
        return cls(config.signature, classic.org_id)

    def on_request(self, exchange: Exchange) -> Outcome:
        """Reject a request whose signature is missing or wrong."""
        if self._digest is None:
            return UNKNOWN_ALGORITHM
        signature = self._signature_of(exchange)
        secret = self._secret.render(exchange)
        if not signature or not secret:
            return self._rejection
        token = exchange.token
        candidates = dict.fromkeys((token.removeprefix(self._org_id), id_of(token), token))
        if any(self._is_signed(signature, to_bytes(key + secret)) for key in candidates):
            return None
        return self._rejection

    def _is_signed(self, signature: bytes, signed: bytes) -> bool:
        assert self._digest is not None
        second = int(now())
        return any(
            hmac.compare_digest(signature, self._digest(signed + str(second + skew).encode()).hexdigest().encode())
            for skew in range(-self._skew_s, self._skew_s + 1)
        )

    def _signature_of(self, exchange: Exchange) -> bytes:
        if self._parameter and (text := parameter_of(exchange.query, self._parameter)):
            return to_bytes(text)
        return exchange.request.headers.get(self._header) or b""
