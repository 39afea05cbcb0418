"""The quick start: a service, a gateway in front of it, a key, and lines to copy that show what the gateway does.

    python examples/quickstart/run.py [--folder .run]

The gateway reads `tyk.conf` and `apps/` beside this file; what it writes goes into the folder. Ports that are taken are
replaced by free ones. Ctrl-C ends all of it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

HERE = Path(__file__).parent
GATEWAY_PORT = 8080
UPSTREAM_PORTS = (9081, 9082, 9083)
START_LIMIT_S = 20.0
STOP_LIMIT_S = 15.0

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
    with contextlib.suppress(KeyboardInterrupt), ExitStack() as running:
        run(folder, running)
    print("\nStopped.")
    return 0


def run(folder: Path, running: ExitStack) -> None:
    """Start everything, say what to try, and wait."""
    port = free_ports([GATEWAY_PORT])[0]
    targets = free_ports(UPSTREAM_PORTS)
    secret = secrets.token_hex(16)
    environ = {
        "TYK_GW_SECRET": secret,
        "TYK_GW_SLUICEGATE_STOREPATH": str(folder / "sluicegate.db"),
        "TYK_GW_APPPATH": str(definitions(folder, targets)),
    }
    url, log = f"http://127.0.0.1:{port}", folder / "gateway.log"
    service = [sys.executable, "-m", "sluicegate.cli.demo.service", *map(str, targets)]
    running.enter_context(process(service, {}, folder / "upstream.log"))
    sluicegate = str(Path(sys.executable).with_name("sluicegate"))
    command = [sluicegate, "start", "--conf", "tyk.conf", "--port", str(port)]
    gateway = running.enter_context(process(command, environ, log))
    wait_until_ready(gateway, url, log)
    key = call(f"{url}/tyk/keys", {"X-Tyk-Authorization": secret}, KEY)["key"]
    print(PAGE.format(url=url, key=key, secret=secret, log=log), flush=True)
    if gateway.wait():
        give_up("The gateway has ended", log)


def free_ports(wanted: Sequence[int]) -> list[int]:
    """Return ports that nobody listens on: those wanted, or others in place of those that are taken."""
    with ExitStack() as held:
        ports = []
        for port in wanted:
            probe = held.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                probe.bind(("127.0.0.1", 0))
                print(f"Port {port} is taken, using {probe.getsockname()[1]}")
            ports.append(probe.getsockname()[1])
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


@contextlib.contextmanager
def process(command: Sequence[str], environ: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program beside this file, logging to a file; in a session of its own, so that Ctrl-C is ours to act on."""
    with log.open("wb") as output:
        running = subprocess.Popen(
            command, cwd=HERE, env=os.environ | environ, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            running.kill()


def wait_until_ready(gateway: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Return when `/ready` answers with 200."""
    limit = time.monotonic() + START_LIMIT_S
    while gateway.poll() is None and time.monotonic() < limit:
        with contextlib.suppress(OSError):
            call(f"{url}/ready", {})
            return
        time.sleep(0.05)
    give_up("The gateway did not start", log)


def call(url: str, headers: Mapping[str, str], document: Any = None) -> Any:
    """Make a request, with a document as its JSON body, and return what is answered. Raises OSError."""
    body = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def give_up(why: str, log: Path) -> NoReturn:
    """End, with what the gateway said last."""
    last = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
    sys.exit(f"{why}. The end of {log}:\n{last}")


def stop(number: int, frame: FrameType | None) -> NoReturn:
    """End on SIGTERM as on Ctrl-C."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
