"""TLS as Go's settings name it, in OpenSSL's words: versions by number, cipher suites by their IANA names."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from sluicegate.errors import ConfigError

VERSIONS = {
    769: ssl.TLSVersion.TLSv1,
    770: ssl.TLSVersion.TLSv1_1,
    771: ssl.TLSVersion.TLSv1_2,
    772: ssl.TLSVersion.TLSv1_3,
}

# Those that Go 1.2x knows (crypto/tls), which are the names Tyk takes. The suites of TLS 1.3 cannot be chosen, there or
# here: they are taken, and are on whatever is listed.
CIPHERS = {
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256": "AES128-SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256": "ECDHE-ECDSA-AES128-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256": "ECDHE-RSA-AES128-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}
TLS13_CIPHERS = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
GONE = {
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
}
"""Broken suites that Go still names and no OpenSSL of today speaks; in a list with others they are passed over."""


def limit_versions(context: ssl.SSLContext, lowest: int, highest: int, where: str) -> None:
    """Set the versions a context speaks, in Go's numbers; 0 leaves it at 1.2 to 1.3. Raises ConfigError."""
    low, high = VERSIONS.get(lowest or 771), VERSIONS.get(highest or 772)
    if low is None or high is None:
        unknown = lowest if low is None else highest
        raise ConfigError(where, f"{unknown} is no TLS version", "771 is TLS 1.2, 772 is TLS 1.3")
    if not lowest and high < low:
        low = high
    if low > high:
        raise ConfigError(where, "the lowest TLS version is above the highest")
    context.minimum_version, context.maximum_version = low, high
    if low < ssl.TLSVersion.TLSv1_2:
        # OpenSSL refuses the signatures of TLS 1.0 and 1.1 above security level 0; whoever sets them wants them.
        context.set_ciphers("DEFAULT@SECLEVEL=0")


def limit_ciphers(context: ssl.SSLContext, names: Sequence[str], where: str) -> None:
    """Set the cipher suites for TLS 1.2 and below; none leaves OpenSSL's default. Raises ConfigError."""
    chosen = []
    for name in names:
        if name in CIPHERS:
            chosen.append(CIPHERS[name])
        elif name not in TLS13_CIPHERS and name not in GONE:
            raise ConfigError(
                where, f"unknown cipher suite {name!r}", "use IANA names such as " + next(reversed(CIPHERS))
            )
    if not chosen:
        return
    level = "@SECLEVEL=0" if context.minimum_version < ssl.TLSVersion.TLSv1_2 else ""
    try:
        context.set_ciphers(":".join(chosen) + level)
    except ssl.SSLError as error:
        raise ConfigError(where, f"OpenSSL refuses these cipher suites: {error.reason}") from None
