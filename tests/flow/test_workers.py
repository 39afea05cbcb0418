"""Several processes on one port: what one of them dies of, the clients of the others never see."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from tests.gateway import Gateway, api, until
from tests.processes import children, is_alive
from tests.servers import free_port
from tests.upstreams import Upstream
from tests.wire import ClosedError, Wire, get

SLUICEGATE = str(Path(sys.executable).with_name("sluicegate"))


def workers_of(gateway: Gateway) -> list[int]:
    assert gateway.process is not None
    return children(gateway.process.pid)


def metric(gateway: Gateway, name: str) -> float:
    page = gateway.ask(get("/metrics")).body.decode()
    return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(name))


class Clients:
    """Clients that ask again and again, each time on a new connection, until they are stopped."""

    def __init__(self, gateway: Gateway, path: str) -> None:
        self.gateway, self.path = gateway, path
        self.statuses: list[int] = []
        self.cut: list[str] = []
        self.stopped = False
        self.threads = [threading.Thread(target=self.ask) for _ in range(4)]

    def __enter__(self) -> Clients:
        for thread in self.threads:
            thread.start()
        until(lambda: len(self.statuses) > 20)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped = True
        for thread in self.threads:
            thread.join()

    def ask(self) -> None:
        while not self.stopped:
            try:
                self.statuses.append(self.gateway.ask(get(self.path)).status)
            except (OSError, ClosedError) as error:
                self.cut.append(repr(error))


def test_a_worker_that_is_killed_is_replaced_while_the_others_serve(tmp_path: Path, upstream: Upstream) -> None:
    with Gateway(tmp_path, apis=[api("/a/", upstream.url)], workers=3) as gateway:
        before = workers_of(gateway)
        assert len(before) == 3
        with Clients(gateway, "/a/x") as clients:
            os.kill(before[1], signal.SIGKILL)
            killed_at = time.monotonic()
            until(lambda: len(set(workers_of(gateway)) - {before[1]}) == 3)
            replaced_s = time.monotonic() - killed_at
            served = len(clients.statuses)
            until(lambda: len(clients.statuses) > served + 100)
        assert replaced_s < 1
        assert set(clients.statuses) == {200}
        assert len(clients.cut) <= 20, f"more than the connections that the dead worker had: {Counter(clients.cut)}"
        assert metric(gateway, "sluicegate_workers ") == 3
        assert metric(gateway, "sluicegate_worker_restarts_total ") == 1
        until(lambda: metric(gateway, 'sluicegate_requests_total{api_id="a"') >= len(clients.statuses) - 50)
        assert gateway.reload() is None, "the new one takes part"


def test_workers_end_when_their_supervisor_is_killed(tmp_path: Path, upstream: Upstream) -> None:
    gateway = Gateway(tmp_path, apis=[api("/a/", upstream.url)], workers=2)
    gateway.start()
    try:
        workers = workers_of(gateway)
        assert gateway.process is not None
        os.kill(gateway.process.pid, signal.SIGKILL)
        until(lambda: not any(map(is_alive, workers)))
        assert "Traceback" not in gateway.log
    finally:
        gateway.kill()


def test_every_worker_dies_and_all_are_replaced(tmp_path: Path, upstream: Upstream) -> None:
    with Gateway(tmp_path, apis=[api("/a/", upstream.url)], workers=2) as gateway:
        before = workers_of(gateway)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(lambda: len(set(workers_of(gateway)) - set(before)) == 2)
        until(gateway.is_ready)
        assert gateway.ask(get("/a/x")).status == 200


def test_it_starts_with_no_file_at_all(tmp_path: Path) -> None:
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TYK_")}
    line = [SLUICEGATE, "start", "--port", str(port), "--workers", "1"]
    with subprocess.Popen(line, cwd=tmp_path, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as node:
        try:

            def hello() -> int:
                with contextlib.suppress(OSError), Wire(socket.create_connection(("127.0.0.1", port))) as client:
                    return client.ask(get("/hello")).status
                return 0

            until(lambda: hello() == 200)
            with Wire(socket.create_connection(("127.0.0.1", port))) as client:
                assert client.ask(get("/tyk/apis", "X-Tyk-Authorization: ")).status == 403
            assert (tmp_path / "sluicegate.db").exists()
        finally:
            node.terminate()
            assert node.wait(20) == 0


def test_a_port_that_is_taken_is_said_and_the_node_ends(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        gateway = Gateway(tmp_path, conf={"listen_port": port}, workers=2)
        done = subprocess.run(
            [SLUICEGATE, "start", "--conf", str(gateway.conf_file)], capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr


def test_a_second_node_does_not_share_the_port_of_the_first(tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "second").mkdir()
    with Gateway(tmp_path, apis=[api("/a/", upstream.url)], workers=2) as first:
        second = Gateway(tmp_path / "second", conf={"listen_port": first.port})
        done = subprocess.run(
            [SLUICEGATE, "start", "--conf", str(second.conf_file)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert f"cannot listen on 127.0.0.1:{first.port}: Address already in use" in done.stderr
        assert {first.ask(get("/a/x")).status for _ in range(20)} == {200}


def test_a_node_waits_for_one_that_was_killed(tmp_path: Path, upstream: Upstream) -> None:
    conf = {"graceful_shutdown_delay_seconds": 1}
    gateway = Gateway(tmp_path, apis=[api("/a/", upstream.url)], conf=conf, workers=2)
    gateway.start()
    try:
        assert gateway.process is not None
        os.kill(gateway.process.pid, signal.SIGKILL)  # its workers go on, until they have drained
        gateway.process.wait()
        gateway.start()
        assert gateway.ask(get("/a/x")).status == 200
        assert gateway.stop() == 0
    finally:
        gateway.kill()


def test_the_pid_file_says_whom_to_signal(tmp_path: Path) -> None:
    place = tmp_path / "run" / "tyk" / "node.pid"
    with Gateway(tmp_path, conf={"pid_file_location": str(place)}) as gateway:
        assert gateway.process is not None
        assert int(place.read_text()) == gateway.process.pid
        assert place.stat().st_mode & 0o777 == 0o600
    assert not place.exists()


def test_a_log_that_nobody_reads_holds_nobody_up(tmp_path: Path, upstream: Upstream) -> None:
    gateway = Gateway(tmp_path, apis=[api("/a/", upstream.url)], conf={"access_logs": {"enabled": True}}, workers=2)
    os.mkfifo(gateway.log_file)
    reading = os.open(gateway.log_file, os.O_RDONLY | os.O_NONBLOCK)
    try:
        room = fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, 4096)
        gateway.start()
        for _ in range(room // 64):  # each is told in a line
            gateway.reload()
            assert gateway.ask(get("/a/x")).status == 200
        assert gateway.stop() == 0
        assert 0 < len(os.read(reading, 10 * room)) <= room
    finally:
        gateway.kill()
        os.close(reading)
