import json
import logging
import os
import re
import socket
import threading
from collections.abc import Iterator

import pytest

from sluicegate import log

AT_S = 1767366245.7


@pytest.fixture(autouse=True)
def _utc_and_defaults(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setenv("TZ", "UTC")
    yield
    log.configure()
    root.handlers[:] = handlers
    root.setLevel(level)


def line(level: int, message: str, /, **fields: object) -> str:
    return log.line(level, message, fields, AT_S).decode()


def test_text_is_what_logrus_writes() -> None:
    log.configure("info", "text")
    stamp = log.timestamp(AT_S)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", stamp)
    assert (
        line(log.INFO, "API loaded", prefix="main", api_id="one", count=3, ok=True, none=None)
        == f'time="{stamp}" level=info message="API loaded" api_id=one count=3 none="<nil>" ok=true prefix=main\n'
    )


def test_an_empty_message_is_left_out_of_text_and_kept_in_json() -> None:
    log.configure("info", "text")
    assert "message" not in line(log.INFO, "", status=200)
    log.configure("info", "json")
    assert json.loads(line(log.INFO, "", status=200))["message"] == ""


def test_json_is_sorted_and_escaped_as_go_does() -> None:
    log.configure("info", "json")
    text = line(log.WARNING, "a<b>&c", zeta=[1, "x"], alpha={"k": b"v"}, level="mine", huge=2**70, bad="\udc80")
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert r"a\u003cb\u003e\u0026c" in text
    found = json.loads(text)
    assert found["level"] == "warning" and found["fields.level"] == "mine"
    assert found["zeta"] == [1, "x"] and found["alpha"] == {"k": "v"} and found["huge"] == str(2**70)


def test_legacy_has_another_key_and_another_time() -> None:
    log.configure("info", "legacy")
    assert re.fullmatch(r'time="\w{3} \d\d \d\d:\d\d:\d\d" level=error msg=gone\n', line(log.ERROR, "gone"))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain-1.5/@^+", "plain-1.5/@^+"),
        ("", ""),
        ("two words", '"two words"'),
        ('say "hi"\\', r'"say \"hi\"\\"'),
        ("a\nlevel=fatal", r'"a\nlevel=fatal"'),
        ("\x00\x7f", r'"\x00\x7f"'),
        ("é\u2028", r'"é\u2028"'),
        ("\U000e0001", r'"\U000e0001"'),
    ],
)
def test_quoting(value: str, written: str) -> None:
    assert log.quote(value) == written


def test_levels_filter(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("warn")
    logger = log.get(prefix="main").bind(api_id="x")
    logger.debug("no")
    logger.info("no")
    logger.log("info", "no")
    logger.warning("yes")
    logger.log("error", "yes")
    logger.fatal("yes")
    out = capfd.readouterr().err
    assert out.count("message=yes api_id=x prefix=main") == 3 and "no" not in out.replace("none", "")


def test_libraries_speak_through_it(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "json")
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("some.library").exception("it failed: %s", "here")
    logging.getLogger("some.library").warning("bad %d", "arguments")
    first, second = capfd.readouterr().err.splitlines()
    assert json.loads(first)["message"] == "it failed: here" and "ValueError: broken" in json.loads(first)["error"]
    assert json.loads(second)["prefix"] == "some.library"


def test_keys_are_obfuscated_unless_asked_for() -> None:
    log.configure()
    assert (log.show_key("abcdefgh"), log.show_key("abcd"), log.show_key("")) == ("****efgh", "--", "--")
    log.configure(enable_key_logging=True)
    assert log.show_key("abcdefgh") == "abcdefgh"


@pytest.fixture(params=["pipe", "socket"])
def unread(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The other end of a standard error that nobody reads."""
    if request.param == "pipe":
        reading, writing = os.pipe()
    else:
        reading, writing = (one.detach() for one in socket.socketpair())
    monkeypatch.setattr(log, "_STDERR", writing)
    monkeypatch.setattr(log._State, "send", log._State.send)  # so that it is put back
    monkeypatch.setattr(log._State, "fd", log._State.fd)
    monkeypatch.setattr(log._State, "lost", 0)
    log.never_wait()
    os.set_blocking(reading, False)
    yield reading
    os.close(reading)
    os.close(writing)


def read_all(fd: int) -> str:
    pieces = []
    while True:
        try:
            pieces.append(os.read(fd, 1 << 20))
        except BlockingIOError:
            return b"".join(pieces).decode()


def test_a_log_that_nobody_reads_holds_nobody_up_and_tells_what_was_lost(unread: int) -> None:
    log.configure()
    for _ in range(10_000):
        log.get().error("x" * 100)
    taken = read_all(unread).splitlines()
    assert 0 < len(taken) < 10_000 and len({len(one) for one in taken}) == 1
    log.get().error("again")
    lost, again = read_all(unread).splitlines()
    assert f"lines={10_000 - len(taken)}" in lost and "message=again" in again
    log.get().error("and again")
    assert "and again" in read_all(unread)


def test_somebody_who_reads_gets_all(unread: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "PATIENCE_S", 10.0)
    log.configure()
    os.set_blocking(unread, True)
    taken: list[bytes] = []

    def read() -> None:
        while not b"".join(taken[-2:]).endswith(b"message=last\n"):
            taken.append(os.read(unread, 4096))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(5_000):
        log.get().error("x" * 100)
    log.get().error("last")
    reader.join(20)
    assert b"".join(taken).count(b"\n") == 5_001


def test_a_long_line_that_is_broken_off_ends_before_the_next(unread: int) -> None:
    log.configure()
    log.get().error("x" * 10_000_000)
    assert "\n" not in read_all(unread)
    log.get().error("next")
    end, lost, line_after = read_all(unread).splitlines()
    assert not end and "lines=1" in lost and "message=next" in line_after
