"""The certificates that a client has shown, as OpenSSL has verified them."""

from __future__ import annotations

import ssl


def verified_chain(connection: ssl.SSLObject | None) -> tuple[bytes, ...]:
    """Return the client's certificate and whoever signed it, as far as OpenSSL looked, in DER; () when it showed none.

    Of a session that was taken up again only the certificate itself is known.
    """
    leaf = connection.getpeercert(binary_form=True) if connection is not None else None
    if connection is None or leaf is None:
        return ()
    if hasattr(connection, "get_verified_chain"):  # Python 3.13
        chain = connection.get_verified_chain()
    else:
        # The same call, before it had a public name.
        found = connection._sslobj.get_verified_chain()  # type: ignore[attr-defined]
        chain = [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in found or ()]
    return tuple(chain) or (leaf,)
