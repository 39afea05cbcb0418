"""Which clients are asked for a certificate, and which they may show (contract 08.8).

By the name that a client asks for, since nothing else is known before the handshake is over:

    every API of the domain wants one (`use_mutual_tls_auth`)    demanded: without, no handshake
    some do                                                      asked for: whose API it is, the chain says
    none does, or no API has the domain                          as for APIs without a domain
    none of those does                                           not asked for

Where the gateway API is on the same port, none is demanded of clients that ask for no domain of an API: health checks
and operators come that way. The chain turns away who shows none.

What is shown must be listed, or signed by what is, in one of these APIs or in `security.certificates.apis`: OpenSSL
ends the handshake of a certificate that it cannot trust, also where it was only asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding

from sluicegate.apidef.pattern import Pattern, compile_pattern
from sluicegate.errors import ConfigError
from sluicegate.routing.template import template_pattern
from sluicegate.store.certificates import Certificates, leaf_of

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.settings.model import Settings


class Asked(NamedTuple):
    """What clients are asked for. demanded: they do not get in without; anchors: PEM text of what they may show."""

    demanded: bool
    anchors: bytes


class Domain:
    """The APIs of one domain. wants: some want certificates; lacks: some do not."""

    def __init__(self) -> None:
        self.wants = self.lacks = False
        self.anchors: dict[bytes, None] = {}


class ClientRules:
    """What clients are asked for, by the name they ask for."""

    def __init__(
        self, settings: Settings, apis: Iterable[Api], certificates: Certificates, problems: list[ConfigError]
    ) -> None:
        """Gather what APIs want; what is wrong with what they list is added to the problems."""
        self._domains: dict[str, Domain] = {"": Domain()}
        self._patterns: list[tuple[Pattern, Domain]] = []
        listed = [("security.certificates.apis", one) for one in settings.security.certificates.apis]
        for api in apis:
            domain = self._domain(_domain_of(api, settings))
            classic = api.classic
            if not classic.use_mutual_tls_auth:
                domain.lacks = True
                continue
            domain.wants = True
            own = [(f"{api.source}: client_certificates", one) for one in classic.client_certificates]
            for where, reference in own + listed:
                try:
                    leaf = leaf_of(certificates.pem(reference, where), where)
                    domain.anchors[leaf.public_bytes(Encoding.PEM)] = None
                except ConfigError as error:
                    problems.append(error)
        self.asks = any(domain.wants for domain in self._domains.values())

    def _domain(self, name: str) -> Domain:
        domain = self._domains.get(name)
        if domain is None:
            domain = self._domains[name] = Domain()
            if "{" in name:
                self._patterns.append((compile_pattern(f"^{template_pattern(name, '.')}$"), domain))
        return domain

    def asked(self, name: str, *, is_shared: bool) -> Asked | None:
        """Return what a client is asked for that asks for a name ("": for none); None: for nothing.

        is_shared: the gateway API is on this port, too.
        """
        common, own = self._domains[""], self._domains.get(name) if name else None
        domains = [own] if own is not None else [one for pattern, one in self._patterns if pattern.search(name)]
        if own is None and not any(one.wants for one in domains):
            domains = [common]
        if not any(one.wants for one in domains):
            return None
        anchors = {pem: None for one in (common, *domains) for pem in one.anchors}
        spares = any(one.lacks for one in domains) or (is_shared and domains == [common])
        return Asked(not spares, b"".join(anchors))


def _domain_of(api: Api, settings: Settings) -> str:
    custom = settings.enable_custom_domains and not api.classic.domain_disabled
    return api.classic.domain.lower() if custom else ""
