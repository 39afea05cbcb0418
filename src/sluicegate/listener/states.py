"""The states of a client connection; `listener.connection` draws how they follow each other."""

PROXY_LINE, HEAD, BODY, WAIT, DRAIN, TUNNEL, LINGER, CLOSED = range(8)
"""From LINGER on, nothing more is answered."""
