"""Balancers in front of gateways: nginx, HAProxy and Caddy, run with what `sluicegate lb` prints.

with Balancer(tmp_path, "nginx", [one.port, other.port]) as front:
    answer = front.ask(get("/a/x"))
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from tests.gateway import START_PATIENCE_S, until
from tests.servers import free_port
from tests.wire import PATIENCE_S, Message, Wire

PROGRAMS = ("nginx", "haproxy", "caddy")
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"

# What a distribution has around the include.
NGINX = """\
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/nginx-errors warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{http}
}}
"""


@contextmanager
def running_nginx(folder: Path, http: str, port: int) -> Iterator[None]:
    """Run nginx with this in its `http` block, until the block ends; it is there when it listens on the port."""
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, http=http))
    with running(["nginx", "-c", str(file), "-e", str(folder / "errors")], folder, port):
        yield


@contextmanager
def running(
    line: list[str], folder: Path, port: int, environ: Mapping[str, str] = MappingProxyType({})
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a folder until the block ends; it is there when it listens on the port. It writes to `log`."""
    variables = {"PATH": PATH, "HOME": str(folder), **environ}
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(line, stdout=log, stderr=log, env=variables, cwd=folder, start_new_session=True)

    def listens() -> bool:
        assert process.poll() is None, (folder / "log").read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    try:
        until(listens, f"{line[0]} listens", START_PATIENCE_S)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE_S)


def lb(program: str, *options: str) -> str:
    """Return what `sluicegate lb` prints."""
    line = [str(Path(sys.executable).with_name("sluicegate")), "lb", program, *options]
    return subprocess.run(line, capture_output=True, check=True, text=True).stdout


class Balancer:
    """A balancer in front of nodes on these ports (`9000`, or `9000=3` with a weight). scheme: what nodes speak."""

    def __init__(
        self, folder: Path, program: str, nodes: Iterable[int | str], *options: str, scheme: str = "http"
    ) -> None:
        self.program, self.port = program, free_port()
        self.folder = folder / f"front-{self.port}"
        self.folder.mkdir()
        named = ",".join(f"{scheme}://127.0.0.1:{node}" for node in nodes)
        self.text = lb(program, "--listen", str(self.port), "--nodes", named, *options)
        self.file = self.folder / "config"
        self.file.write_text(self._whole(self.text))

    def _whole(self, text: str) -> str:
        if self.program == "nginx":
            return NGINX.format(folder=self.folder, http=text)
        if self.program == "caddy":  # several of them on one machine would want the same port for their own API
            return re.sub(r"^\{\n", "{\n\tadmin off\n", text, count=1, flags=re.MULTILINE)
        return text

    def __enter__(self) -> Balancer:
        self.check()
        lines = {
            "nginx": ["nginx", "-c", str(self.file), "-e", str(self.folder / "errors")],
            "haproxy": ["haproxy", "-db", "-f", str(self.file)],
            "caddy": ["caddy", "run", "--adapter", "caddyfile", "--config", str(self.file)],
        }
        self.running = running(lines[self.program], self.folder, self.port)
        self.running.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.running.__exit__(None, None, None)

    def check(self) -> None:
        """Have the program itself say whether it takes the configuration."""
        lines = {
            "nginx": ["nginx", "-t", "-c", str(self.file), "-e", str(self.folder / "errors")],
            "haproxy": ["haproxy", "-c", "-f", str(self.file)],
            "caddy": ["caddy", "validate", "--adapter", "caddyfile", "--config", str(self.file)],
        }
        environ = {"PATH": PATH, "HOME": str(self.folder)}
        done = subprocess.run(lines[self.program], capture_output=True, text=True, env=environ)
        assert done.returncode == 0, done.stderr
        assert "warn" not in done.stderr.lower(), done.stderr

    @property
    def log(self) -> str:
        """All that it has said."""
        return (self.folder / "log").read_text()

    def raw(self, client: str = "127.0.0.1") -> Wire:
        """Return a connection to it, from that address."""
        return Wire(socket.create_connection(("127.0.0.1", self.port), PATIENCE_S, (client, 0)))

    def ask(self, data: bytes, client: str = "127.0.0.1") -> Message:
        """Return the answer to one request on a connection of its own."""
        with self.raw(client) as wire:
            return wire.ask(data)
