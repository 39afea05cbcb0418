"""`sluicegate hello`: ask the node on this machine how it is, for health checks of containers and services.

It finds the node as the node's own settings say: port, TLS, PROXY protocol, path.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from sluicegate.settings.load import SettingsErrors, load_settings
from sluicegate.settings.model import Settings

PATIENCE_S = 3.0
HERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where one listens, not listening
NO_CLIENT = b"PROXY UNKNOWN\r\n"
"""What a health check says where the PROXY protocol is spoken: there is no client behind it."""


def hello(conf: Path | None, *, ready: bool) -> int:
    """Print what it says; return the exit status: 0 if it is well, or with `ready`, if it may get traffic."""
    try:
        settings = load_settings(conf, os.environ).settings
    except SettingsErrors as errors:
        for one in errors.errors:
            sys.stderr.write(f"{one}\n")
        return 1
    name = settings.readiness_check_endpoint_name if ready else settings.health_check_endpoint_name
    try:
        status, text = ask(settings, f"/{name.strip('/')}")
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"no answer: {error}\n")
        return 1
    click.echo(text.strip())
    return 0 if status == 200 else 1


def ask(
    settings: Settings,
    path: str,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    body: bytes | None = None,
) -> tuple[int, str]:
    """Return status and body of the answer. Raises OSError, HTTPException."""
    host = HERE.get(settings.listen_address, settings.listen_address)
    port = settings.control_api_port or settings.listen_port
    with socket.create_connection((host, port), PATIENCE_S) as sock:
        if settings.sluicegate.proxy_protocol:
            sock.sendall(NO_CLIENT)
        connection = http.client.HTTPConnection(settings.hostname or host, port)
        connection.sock = _over_tls(sock) if settings.http_server_options.use_ssl else sock
        connection.request(method, path, body, headers={"Connection": "close", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")


def _over_tls(sock: socket.socket) -> ssl.SSLSocket:
    """Return the connection over TLS; who is there is known, and the certificate is for a name that clients use."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(sock)
