"""The quick start: a service, a gateway in front of it, a key, and lines to copy that show what the gateway does.

    python examples/quickstart/run.py [--folder .run]

The gateway reads `tyk.conf` and `apps/` beside this file; what it writes goes into the folder. Ports that are taken are
replaced by free ones. Ctrl-C ends all of it.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from sluicegate.cli.demo.processes import NotStarted, Process, call, free_ports, sluicegate

HERE = Path(__file__).parent
GATEWAY_PORT = 8080
UPSTREAM_PORTS = (9081, 9082, 9083)

KEY = {
    "rate": 5,
    "per": 10,
    "quota_max": -1,
    "org_id": "default",
    "access_rights": {"keyed": {"api_id": "keyed", "api_name": "With a key, and a limit", "versions": ["Default"]}},
}
"""Five requests in ten seconds."""

PAGE = """
Sluicegate serves on {url}. Copy a line into another terminal:

An API that is open to all: 200
  curl -i {url}/open/hello

One that asks for a key: 401 without
  curl -i {url}/keyed/hello

200 with it
  curl -i -H 'Authorization: {key}' {url}/keyed/hello

The key is good for 5 requests in 10 seconds: 429 beyond
  curl -s -o /dev/null -w '%{{http_code}}\\n' -H 'Authorization: {key}' '{url}/keyed/[1-7]'

One with three targets, which take turns
  curl -s '{url}/balanced/[1-6]'

The admin API
  curl -s -H 'X-Tyk-Authorization: {secret}' {url}/tyk/apis

What Prometheus sees
  curl -s {url}/metrics

The gateway logs to {log}. Ctrl-C stops it.
"""


def main() -> int:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=HERE.parents[1] / ".run", help="where the gateway writes")
    folder: Path = parser.parse_args().folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, stop)
    try:
        with suppress(KeyboardInterrupt), ExitStack() as running:
            run(folder, running)
    except NotStarted as error:
        sys.exit(str(error))
    print("\nStopped.")
    return 0


def run(folder: Path, running: ExitStack) -> None:
    """Start everything, say what to try, and wait. Raises NotStarted."""
    port, *targets = ports_near([GATEWAY_PORT, *UPSTREAM_PORTS])
    secret = secrets.token_hex(16)
    environ = {
        "TYK_GW_SECRET": secret,
        "TYK_GW_SLUICEGATE_STOREPATH": str(folder / "sluicegate.db"),
        "TYK_GW_APPPATH": str(definitions(folder, targets)),
    }
    url = f"http://127.0.0.1:{port}"
    service = [sys.executable, "-m", "sluicegate.cli.demo.service", *map(str, targets)]
    started(Process(service, folder / "upstream.log"), running)
    command = [sluicegate(), "start", "--conf", str(HERE / "tyk.conf"), "--port", str(port)]
    gateway = started(Process(command, folder / "gateway.log", os.environ | environ), running)
    gateway.wait_until(lambda: is_ready(url), "did not start")
    key = call(f"{url}/tyk/keys", {"X-Tyk-Authorization": secret}, KEY)["key"]
    print(PAGE.format(url=url, key=key, secret=secret, log=gateway.log), flush=True)
    if gateway.wait():
        raise gateway.failure("has ended")


def ports_near(wanted: Sequence[int]) -> list[int]:
    """Return free ports, and say which are others than those wanted."""
    ports = free_ports(wanted)
    for port, free in zip(wanted, ports, strict=True):
        if port != free:
            print(f"Port {port} is taken, using {free}")
    return ports


def definitions(folder: Path, targets: Sequence[int]) -> Path:
    """Return the folder of definitions: the one beside this file, or a copy with other ports."""
    apps = HERE / "apps"
    if tuple(targets) == UPSTREAM_PORTS:
        return apps
    replaced = dict(zip(map(str, UPSTREAM_PORTS), map(str, targets), strict=True))
    copy = folder / "apps"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for file in apps.glob("*.json"):
        text = re.sub("|".join(replaced), lambda found: replaced[found[0]], file.read_text())
        (copy / file.name).write_text(text)
    return copy


def started(process: Process, running: ExitStack) -> Process:
    """Start a program with an empty log, and have it stopped at the end."""
    process.log.unlink(missing_ok=True)
    running.callback(process.stop)
    process.start()
    return process


def is_ready(url: str) -> bool:
    """Return whether `/ready` answers with 200."""
    with suppress(OSError):
        call(f"{url}/ready")
        return True
    return False


def stop(number: int, frame: FrameType | None) -> NoReturn:
    """End on SIGTERM as on Ctrl-C."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
