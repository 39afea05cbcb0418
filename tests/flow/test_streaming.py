"""Bodies stream both ways at constant memory, unbuffered, and nobody's slowness is anybody else's."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from tests.gateway import Gateway, api, resident_bytes, until
from tests.upstreams import Upstream, answer
from tests.wire import ClosedError, Wire, get, request

MEGABYTE = 1024 * 1024
LARGE = 200 * MEGABYTE
MOST_GROWTH = 40 * MEGABYTE
BLOCK = bytes(range(256)) * 1024


class Steps:
    """What tests and upstream tell each other."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.gone = threading.Event()


@pytest.fixture
def steps() -> Steps:
    return Steps()


@pytest.fixture
def upstream(steps: Steps) -> Iterator[Upstream]:
    def script(wire: Wire, upstream: Upstream) -> None:
        while True:
            head = wire.read_head()
            upstream.note(head)
            SCRIPTS.get(head.target, quick)(wire, steps)

    with Upstream(script) as one:
        yield one


@pytest.fixture
def gateway(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("gateway"), apis=[api("/a/", upstream.url)]) as one:
        assert one.ask(get("/a/quick")).status == 200
        yield one


def quick(wire: Wire, steps: Steps) -> None:
    wire.send(answer(b"quick"))


def download(wire: Wire, steps: Steps) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: x/y\r\nContent-Length: %d\r\n\r\n" % LARGE)
    for _ in range(LARGE // len(BLOCK)):
        wire.send(BLOCK)


def download_chunked(wire: Wire, steps: Steps) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: x/y\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(LARGE // len(BLOCK)):
        wire.send(b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK))
    wire.send(b"0\r\n\r\n")


def upload(wire: Wire, steps: Steps) -> None:
    steps.go_on.wait()
    for _ in range(LARGE // len(BLOCK)):
        wire.read(len(BLOCK))
    wire.send(answer(b"all"))


def upload_chunked(wire: Wire, steps: Steps) -> None:
    steps.go_on.wait()
    taken = 0
    while piece := wire.read_chunk():
        taken += len(piece)
    assert taken == LARGE
    wire.read_until(b"\r\n")
    wire.send(answer(b"all"))


def events(wire: Wire, steps: Steps) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for number in range(3):
        event = b"data: %d\n\n" % number
        wire.send(b"%x\r\n%b\r\n" % (len(event), event))
        steps.go_on.wait()
        steps.go_on.clear()
    wire.send(b"0\r\n\r\n")


def events_until_close(wire: Wire, steps: Steps) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
    try:
        while True:
            wire.send(b"data: x\n\n")
    except OSError:
        steps.gone.set()
        raise


def silent(wire: Wire, steps: Steps) -> None:
    if wire.is_closed():
        steps.gone.set()
    raise ClosedError("as expected")


SCRIPTS = {
    b"/download": download,
    b"/download-chunked": download_chunked,
    b"/upload": upload,
    b"/upload-chunked": upload_chunked,
    b"/events": events,
    b"/events-until-close": events_until_close,
    b"/silent": silent,
}


class Memory:
    """The memory of the worker, compared with what it was."""

    def __init__(self, gateway: Gateway) -> None:
        (self.pid,) = gateway.worker_pids()
        self.before = self.most = resident_bytes(self.pid)

    def look(self) -> None:
        self.most = max(self.most, resident_bytes(self.pid))

    @property
    def growth(self) -> int:
        return self.most - self.before


@pytest.mark.parametrize("path", ["/a/download", "/a/download-chunked"])
def test_a_large_download_past_a_slow_reader(gateway: Gateway, path: str) -> None:
    memory = Memory(gateway)
    with gateway.raw() as slow, gateway.raw() as other:
        slow.send(get(path))
        head = slow.read_head()
        assert head.status == 200
        # While nobody reads, the upstream's 200 MB must not gather here, and others are served.
        for _ in range(50):
            assert other.ask(get("/a/quick")).body == b"quick"
            memory.look()
        taken = 0
        while taken < LARGE:
            if path.endswith("chunked"):
                piece = slow.read_chunk()
                assert piece
                taken += len(piece)
            else:
                taken += len(slow.read(len(BLOCK)))
            memory.look()
        assert memory.growth < MOST_GROWTH


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_large_upload_past_a_slow_upstream(gateway: Gateway, steps: Steps, is_chunked: bool) -> None:
    memory = Memory(gateway)
    with gateway.raw() as client, gateway.raw() as other:
        sender = threading.Thread(target=send_blocks, args=(client, is_chunked))
        sender.start()
        for _ in range(50):
            assert other.ask(get("/a/quick")).body == b"quick"
            memory.look()
        steps.go_on.set()
        while sender.is_alive():
            sender.join(0.05)
            memory.look()
        assert client.read_answer().body == b"all"
        assert memory.growth < MOST_GROWTH


def send_blocks(client: Wire, is_chunked: bool) -> None:
    if is_chunked:
        client.send(request("POST", "/a/upload-chunked", "Transfer-Encoding: chunked"))
        block, end = b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK), b"0\r\n\r\n"
    else:
        client.send(request("POST", "/a/upload", f"Content-Length: {LARGE}"))
        block, end = BLOCK, b""
    for _ in range(LARGE // len(BLOCK)):
        client.send(block)
    client.send(end)


def test_events_arrive_one_by_one(gateway: Gateway, steps: Steps) -> None:
    with gateway.raw() as client:
        client.send(get("/a/events", "Accept: text/event-stream"))
        assert client.read_head().get(b"content-type") == b"text/event-stream"
        for number in range(3):
            assert client.read_chunk() == b"data: %d\n\n" % number
            steps.go_on.set()
        assert client.read_until(b"\r\n\r\n") == b"0\r\n\r\n"
        assert client.ask(get("/a/quick")).body == b"quick"


def test_a_client_that_has_enough_of_a_stream_takes_the_upstream_along(gateway: Gateway, steps: Steps) -> None:
    with gateway.raw() as client:
        client.send(get("/a/events-until-close"))
        client.read_head()
        client.read_chunk()
    assert steps.gone.wait(20)


def test_a_client_that_vanishes_takes_the_upstream_along(gateway: Gateway, upstream: Upstream, steps: Steps) -> None:
    client = gateway.raw()
    client.send(get("/a/silent"))
    upstream.await_requests(2)
    client.reset()
    assert steps.gone.wait(20)


def test_a_client_that_vanishes_while_it_sends_takes_the_upstream_along(
    gateway: Gateway, upstream: Upstream, steps: Steps
) -> None:
    client = gateway.raw()
    client.send(request("POST", "/a/silent", "Content-Length: 100"))
    upstream.await_requests(2)
    client.close()
    assert steps.gone.wait(20)


def test_a_stream_ends_before_the_node_does(gateway: Gateway, steps: Steps) -> None:
    """SIGTERM lets what is under way finish."""
    with gateway.raw() as client:
        client.send(get("/a/events"))
        client.read_head()
        assert client.read_chunk() == b"data: 0\n\n"
        assert gateway.process is not None
        gateway.process.terminate()
        until(lambda: refuses(gateway), "nothing new is accepted")
        for number in (1, 2):
            steps.go_on.set()
            assert client.read_chunk() == b"data: %d\n\n" % number
        steps.go_on.set()
        assert client.read_until(b"\r\n\r\n") == b"0\r\n\r\n"
        assert client.is_closed()


def test_a_slow_reader_gets_all_before_the_node_ends(gateway: Gateway) -> None:
    with gateway.raw() as client:
        client.send(get("/a/download"))
        client.read_head()
        assert gateway.process is not None
        gateway.process.terminate()
        until(lambda: refuses(gateway), "nothing new is accepted")
        for _ in range(LARGE // len(BLOCK)):
            client.read(len(BLOCK))
    started = time.monotonic()
    assert gateway.process.wait(20) == 0
    assert time.monotonic() - started < 10, "it waited for nothing more"


def refuses(gateway: Gateway) -> bool:
    try:
        gateway.raw().close()
    except OSError:
        return True
    return False
