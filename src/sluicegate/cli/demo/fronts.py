"""The balancer before a cluster on one machine, with the configuration that `sluicegate lb` prints."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from sluicegate.cli.demo.processes import SBIN, Process, free_ports, listens
from sluicegate.cli.fronts import WRITERS
from sluicegate.cli.fronts.front import Front
from sluicegate.cli.fronts.front import Node as Place

PROGRAMS = ("nginx", "haproxy")
DRAIN_S = {"nginx": 0, "haproxy": 3}
"""How long a node goes on when it is told to end: HAProxy asks and has to see it, nginx tries another node."""

NGINX = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-errors warn;
events {{ worker_connections 1024; }}
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


def installed() -> str:
    """Return the balancer that this machine has, "" when it has none."""
    path = os.environ.get("PATH", os.defpath) + SBIN
    return next((program for program in PROGRAMS if shutil.which(program, path=path)), "")


def start_front(program: str, folder: Path, ports: Sequence[int], wanted_port: int, stack: ExitStack) -> int:
    """Start it before the nodes on these ports; the stack ends it. Returns its port. Raises NotStarted."""
    folder.mkdir()
    port = free_ports([wanted_port])[0]
    front = Front(tuple(Place("127.0.0.1", one) for one in ports), listen_port=port)
    text, file = WRITERS[program](front), folder / f"{program}.conf"
    file.write_text(NGINX.format(folder=folder, http=text) if program == "nginx" else text)
    lines = {
        "nginx": ["nginx", "-c", str(file), "-e", str(folder / "errors")],
        "haproxy": ["haproxy", "-db", "-f", str(file)],
    }
    process = Process(lines[program], folder / "log")
    stack.callback(process.kill)
    process.start()
    process.wait_until(lambda: listens(port), "does not listen")
    return port
