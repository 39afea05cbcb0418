"""A running gateway, as a user runs it: `sluicegate start --conf …`, on a free port, with files in a folder.

with Gateway(tmp_path, apis=[api("/a/", upstream.url)]) as gateway:
    with gateway.raw() as client:
        assert client.ask(get("/a/x")).status == 200
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.processes import children, is_alive
from tests.servers import free_port
from tests.wire import PATIENCE_S, ClosedError, Message, Wire, get

SECRET = "a-secret-of-the-tests"
LOOK_S = 0.02
KEYED = {"use_keyless": False, "use_standard_auth": True, "auth": {"auth_header_name": "Authorization"}}
"""What makes an API ask for a key."""

SESSION: dict[str, Any] = {
    "org_id": "org",
    "rate": -1,
    "per": -1,
    "quota_max": -1,
    "access_rights": {"a": {"api_id": "a", "versions": ["Default"]}},
}
"""A key to the API `a`, without limits."""

SURE = 32
"""So many connections reach both workers of a node; that one gets none happens once in two billion times."""

START_PATIENCE_S = 45.0
"""Starting imports a lot, which takes its time where many tests run at once."""


def until(met: Callable[[], Any], what: str = "", patience_s: float = PATIENCE_S) -> Any:
    """Wait until a condition is met, and return what it returned. Raises AssertionError when it takes too long."""
    deadline = time.monotonic() + patience_s
    while not (found := met()):
        assert time.monotonic() < deadline, f"not within {patience_s} s: {what or met}"
        time.sleep(LOOK_S)
    return found


def on_every_worker(holds: Callable[[], bool]) -> bool:
    """Return whether something holds on both workers of a node, whichever answers: each call has its own connection."""
    return all(holds() for _ in range(SURE))


def api(listen_path: str, target_url: str = "", **more: Any) -> dict[str, Any]:
    """Return a keyless classic definition; `more` is merged into it, section by section."""
    name = listen_path.strip("/").replace("/", "-") or "root"
    definition = {
        "name": name,
        "api_id": name,
        "org_id": "org",
        "active": True,
        "use_keyless": True,
        "proxy": {"listen_path": listen_path, "target_url": target_url, "strip_listen_path": True},
        "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
    }
    return merged(definition, more)


def paths(**lists: Any) -> dict[str, Any]:
    """Return the `version_data` of an API that is not versioned, with these lists in `extended_paths`."""
    version = {"name": "Default", "use_extended_paths": True, "extended_paths": lists}
    return {"not_versioned": True, "versions": {"Default": version}}


def merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with the entries of another one put into it."""
    result = dict(base)
    for name, value in more.items():
        old = result.get(name)
        result[name] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


class Gateway:
    """A node of `workers` workers; its files are in `folder`.

    apis:      definitions, each written to a file of its own.
    policies:  the content of the policies file.
    conf:      merged into a small `tyk.conf`; `environ` is added to the environment.
    """

    def __init__(
        self,
        folder: Path,
        *,
        apis: Iterable[Mapping[str, Any]] = (),
        policies: Mapping[str, Any] | None = None,
        conf: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
        workers: int = 1,
    ) -> None:
        self.folder, self.workers = folder, workers
        self.port = free_port()
        self.conf_file, self.apps = folder / "tyk.conf", folder / "apps"
        self.apps.mkdir(exist_ok=True)
        for number, definition in enumerate(apis):
            self.write_api(definition, f"{number:04}-{definition['api_id']}.json")
        base: dict[str, Any] = {
            "listen_address": "127.0.0.1",
            "listen_port": self.port,
            "secret": SECRET,
            "app_path": str(self.apps),
            "hash_keys": True,
            "enable_custom_domains": True,
        }
        if policies is not None:
            policy_file = folder / "policies.json"
            policy_file.write_text(json.dumps(policies))
            base["policies"] = {"policy_source": "file", "policy_record_name": str(policy_file)}
        self.conf = merged(base, conf or {})
        self.port = self.conf["listen_port"]
        self.conf_file.write_text(json.dumps(self.conf, indent=1))
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("TYK_")}
        self.environ.update(environ or {})
        self.log_file = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    # -- life

    def __enter__(self) -> Gateway:
        self.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            status = self.stop()
            if kind is None:
                assert status == 0, self.log
                assert "Traceback" not in self.log, self.log
        finally:
            self.kill()

    def start(self) -> None:
        """Start it, and wait until it serves."""
        line = [str(Path(sys.executable).with_name("sluicegate")), "start"]
        line += ["--conf", str(self.conf_file), "--workers", str(self.workers)]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                line, stdout=log, stderr=log, env=self.environ, cwd=self.folder, start_new_session=True
            )
        try:
            until(self.is_ready, "the gateway is ready", START_PATIENCE_S)
            if self.workers > 1:  # ready is what one of them says; a reload waits for those that still start
                self.admin("GET", "/tyk/reload/?block=true")
        except BaseException:
            self.kill()
            sys.stderr.write(self.log)
            raise

    def is_ready(self) -> bool:
        """Return whether it serves. Raises AssertionError when it has ended."""
        assert self.process is not None
        assert self.process.poll() is None, self.log
        try:
            with self.raw(port=self.conf.get("control_api_port")) as client:
                return client.ask(get("/ready")).status == 200
        except (OSError, ClosedError):  # one that was killed may still be on its way out
            return False

    def stop(self) -> int:
        """Have it drain and end, and return its exit status."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        """End it by force, with all its workers."""
        if self.process is not None:
            workers = children(self.process.pid)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            until(lambda: not any(map(is_alive, workers)), "all workers are gone, with their sockets")

    def reload(self) -> None:
        """Have it read its files again, and wait until all workers have."""
        status, said = self.admin("GET", "/tyk/reload?block=true")
        assert status == 200, said

    def write_api(self, definition: Mapping[str, Any], file: str = "") -> None:
        """Write a definition to its file; it counts from the next reload on."""
        (self.apps / (file or f"{definition['api_id']}.json")).write_text(json.dumps(definition))

    # -- talking to it

    def raw(self, *, port: int | None = None, tls: ssl.SSLContext | None = None, name: str | None = None) -> Wire:
        """Return a connection to it, over TLS (asking for `name`) if there is a context."""
        sock = socket.create_connection(("127.0.0.1", port or self.port), PATIENCE_S)
        return Wire(tls.wrap_socket(sock, server_hostname=name) if tls else sock)

    def ask(self, data: bytes) -> Message:
        """Return the answer to one request on a connection of its own."""
        with self.raw() as client:
            return client.ask(data)

    def admin(self, method: str, path: str, document: Any = None) -> tuple[int, Any]:
        """Call the admin API; return status and body (decoded, where it is JSON). document: bytes go as they are."""
        port = self.conf.get("control_api_port") or self.port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            body = document if document is None or isinstance(document, bytes) else json.dumps(document)
            connection.request(method, path, body, {"X-Tyk-Authorization": SECRET, "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text.decode("utf-8", "replace")

    # -- looking at it

    @property
    def log(self) -> str:
        """All that it has logged."""
        return self.log_file.read_text() if self.log_file.exists() else ""

    def worker_pids(self) -> list[int]:
        """Return the processes of the workers."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
