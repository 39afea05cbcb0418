"""Lets a key that is bound to certificates be used with one of them only.

Asked for by `use_mutual_tls_auth` of an API with tokens; the certificates are `mtls_static_certificate_bindings` of the
session (contract 08.1). That the certificate is good for the API, `client_certificates` has seen before.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Self

from sluicegate.chain.credentials import asks_for_tokens
from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Rejection

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

MISMATCH = Rejection(401, "Access to this API has been disallowed", "auth_cert_mismatch", flag="CMM")


class CertificateBinding(Middleware):
    """Compares what the client has shown with what its key is bound to."""

    name = "AuthKey"
    runs_when_ignored = False

    def __init__(self, org_id: str) -> None:
        self._org_id = org_id

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step where both certificates and tokens are asked for."""
        asked = api.classic.use_mutual_tls_auth and asks_for_tokens(api.classic)
        return cls(api.classic.org_id) if asked else None

    def on_request(self, exchange: Exchange) -> Outcome:
        """Reject a bound key with another certificate, or with none."""
        bindings = exchange.session.mtls_static_certificate_bindings if exchange.session is not None else ()
        if not bindings:
            return None
        shown = exchange.client.certificates
        is_bound = bool(shown) and self._org_id + hashlib.sha256(shown[0]).hexdigest() in bindings
        return None if is_bound else MISMATCH
