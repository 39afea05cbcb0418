"""The supervisor with workers that do as a test says: real processes, no servers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

PATIENCE_S = 20.0


def run(script: str, folder: Path, *signals: signal.Signals) -> tuple[int, str]:
    """Run a supervisor whose worker is the function `work(index, channel)` of the script.

    The signals are sent to it in turn, each when `say("signal me")` has been called. Returns the exit status and all
    that was logged or said.
    """
    place = folder / "node.py"
    place.write_text(PRELUDE + textwrap.dedent(script) + FINALE)
    line = [sys.executable, str(place)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        said, waiting, deadline = [], list(signals), time.monotonic() + PATIENCE_S
        try:
            for text in process.stdout:
                said.append(text)
                if text == "signal me\n" and waiting:
                    process.send_signal(waiting.pop(0))
            return process.wait(max(0.1, deadline - time.monotonic())), "".join(said)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


PRELUDE = '''
import os, signal, sys, time
from sluicegate.listener import supervisor as s
from sluicegate.listener.channel import *

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def log(level, message, **fields):
    say(level, message, *(f"{name}={value}" for name, value in fields.items()))

class Talk:
    """The worker's end of the channel."""
    def __init__(self, channel):
        self.channel, self.reader, self.read = channel, MessageReader(), []
        channel.settimeout(15)
    def tell(self, message):
        self.channel.sendall(encode(message))
    def hear(self):
        while not self.read:
            data = self.channel.recv(65536)
            if not data:
                os._exit(3)
            self.read += self.reader.feed(data)
        return self.read.pop(0)

COUNT, GRACE_S, MEMORY = 2, 10.0, {}
'''
FINALE = """
supervisor = s.Supervisor(COUNT, work, lambda workers, restarts: f"{workers} {restarts}".encode(), log, GRACE_S, MEMORY)
sys.exit(supervisor.run())
"""


def test_everybody_does_what_one_asks_and_the_asker_hears_of_failures(tmp_path: Path) -> None:
    status, said = run(
        """
        def work(index, channel):
            talk = Talk(channel)
            talk.tell(Ready())
            if index == 0:
                talk.tell(Ask(7, "deed", b"how"))
            do = talk.hear()
            say("did", do.what, do.argument.decode())
            talk.tell(Done(do.number, "worker 1 could not" if index else ""))
            if index == 0:
                answer = talk.hear()
                say("answer", answer.number, answer.error)
                talk.tell(AskPage(8))
                say("page", talk.hear().data.decode())
                say("signal me")
            assert isinstance(talk.hear(), Drain)
            return 0
        """,
        tmp_path,
        signal.SIGTERM,
    )
    assert status == 0, said
    assert said.count("did deed how") == 2
    assert "answer 7 worker 1 could not\n" in said
    assert "page 2 0\n" in said


def test_a_worker_that_dies_over_an_errand_holds_nobody_up(tmp_path: Path) -> None:
    status, said = run(
        """
        import pathlib
        died = pathlib.Path(sys.argv[0]).with_name("died")
        def work(index, channel):
            talk = Talk(channel)
            talk.tell(Ready())
            if index == 0:
                talk.tell(Ask(7, "deed"))
            while not isinstance(message := talk.hear(), Drain):
                if isinstance(message, Answer):
                    say("answer", repr(message.error))
                    say("signal me")
                elif index and not died.exists():
                    died.touch()
                    os._exit(9)
                else:
                    talk.tell(Done(message.number))
            return 0
        """,
        tmp_path,
        signal.SIGTERM,
    )
    assert status == 0, said
    assert "answer ''" in said
    assert "Worker died, starting another worker=1" in said and "exit_status=9" in said


def test_a_new_worker_begins_with_what_others_want_to_be_remembered(tmp_path: Path) -> None:
    status, said = run(
        """
        def work(index, channel):
            talk = Talk(channel)
            say("begins with", sorted(supervisor.memory.items()))
            if index == 0 and not supervisor.memory:
                talk.tell(Remember({b"a": b"1", b"b": b"2"}))
                talk.tell(Remember({b"a": b"3", b"b": None, b"c": None}))
                os._exit(9)
            if index == 0:
                say("signal me")
            assert isinstance(talk.hear(), Drain)
            return 0
        """,
        tmp_path,
        signal.SIGTERM,
    )
    assert status == 0, said
    assert said.count("begins with []") == 2
    assert "begins with [(b'a', b'3')]" in said


def test_what_a_worker_said_last_counts_when_it_has_ended_before_that_was_read(tmp_path: Path) -> None:
    status, said = run(
        """
        s.READ_BYTES = 8  # so that most of it is still to be read when the worker is buried

        def work(index, channel):
            talk = Talk(channel)
            if index == 0 and not supervisor.restarts:
                talk.tell(Remember({b"%d" % number: b"x" * 100 for number in range(20)}))
                talk.tell(Remember({b"last": b"words"}))
                os._exit(9)
            if index == 0:
                say("remembers", len(supervisor.memory), supervisor.memory.get(b"last"))
                say("signal me")
            assert isinstance(talk.hear(), Drain)
            return 0
        """,
        tmp_path,
        signal.SIGTERM,
    )
    assert status == 0, said
    assert "remembers 21 b'words'" in said


def test_a_worker_that_hangs_is_ended_and_the_others_go_on(tmp_path: Path) -> None:
    status, said = run(
        """
        import pathlib
        s.TAKE_LIMIT_S = 0.2
        hung = pathlib.Path(sys.argv[0]).with_name("hung")
        def work(index, channel):
            talk = Talk(channel)
            talk.tell(Ready())
            if index and not hung.exists():
                hung.touch()
                time.sleep(60)
            if index == 0:
                while not hung.exists():
                    time.sleep(0.01)
                talk.tell(Ask(7, "deed", bytes(8_000_000)))
            while not isinstance(message := talk.hear(), Drain):
                if isinstance(message, Answer):
                    say("signal me")
                else:
                    talk.tell(Done(message.number))
            return 0
        """,
        tmp_path,
        signal.SIGTERM,
    )
    assert status == 0, said
    assert "Worker takes no messages, ending it worker=1" in said


def test_noise_from_a_worker_ends_that_worker(tmp_path: Path) -> None:
    status, said = run(
        """
        import pathlib
        noisy = pathlib.Path(sys.argv[0]).with_name("noisy")
        def work(index, channel):
            talk = Talk(channel)
            if index and not noisy.exists():
                noisy.touch()
                channel.sendall(bytes([0, 0, 0, 1, 0xC1]))
                time.sleep(60)
            talk.tell(Ready())
            if index:
                say("signal me")
            talk.hear()
            return 0
        """,
        tmp_path,
        signal.SIGTERM,
    )
    assert status == 0, said
    assert "Worker sent what is no message" in said


def test_a_node_none_of_whose_workers_can_start_gives_up(tmp_path: Path) -> None:
    status, said = run("def work(index, channel): return s.CANNOT_START", tmp_path)
    assert status == 1
    assert "starting another" not in said


def test_workers_that_do_not_end_in_time_are_ended(tmp_path: Path) -> None:
    status, said = run(
        """
        GRACE_S = 0.3
        def work(index, channel):
            Talk(channel).tell(Ready())
            say("signal me")
            time.sleep(60)
            return 0
        """,
        tmp_path,
        signal.SIGTERM,
    )
    assert status == 0
    assert "Workers did not end in time workers=2" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_the_signals_of_a_terminal_drain_too(tmp_path: Path, number: signal.Signals) -> None:
    status, said = run(
        """
        def work(index, channel):
            talk = Talk(channel)
            talk.tell(Ready())
            say("signal me")
            say(type(talk.hear()).__name__)
            return 0
        """,
        tmp_path,
        number,
    )
    assert status == 0, said
    assert said.count("Drain") == 2


def test_sighup_reloads_everywhere(tmp_path: Path) -> None:
    status, said = run(
        """
        COUNT = 1
        def work(index, channel):
            talk = Talk(channel)
            talk.tell(Ready())
            say("signal me")
            do = talk.hear()
            say("asked to", do.what)
            talk.tell(Done(do.number))
            say("signal me")
            talk.hear()
            return 0
        """,
        tmp_path,
        signal.SIGHUP,
        signal.SIGTERM,
    )
    assert status == 0, said
    assert "asked to reload" in said


def test_a_worker_knows_when_its_supervisor_is_gone(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    os.set_inheritable(theirs.fileno(), True)
    with ours, theirs:
        place = tmp_path / "node.py"
        script = f"""
        import socket
        alive = socket.socket(fileno={theirs.fileno()})
        COUNT = 1
        def work(index, channel):
            Talk(channel).tell(Ready())
            say("ready")
            assert channel.recv(1) == b""
            return 0
        """
        place.write_text(PRELUDE + textwrap.dedent(script) + FINALE)
        with subprocess.Popen([sys.executable, str(place)], stdout=subprocess.PIPE, close_fds=False) as process:
            theirs.close()
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            process.kill()
            ours.settimeout(PATIENCE_S)
            assert ours.recv(1) == b"", "the worker, who holds the last copy, has ended"


def test_a_worker_that_cannot_be_forked_is_started_later(tmp_path: Path) -> None:
    status, said = run(
        """
        import errno
        s.TRY_AGAIN_S = 0.01
        fork, s.os.fork = os.fork, lambda: refuse() if supervisor.restarts and not refused else fork()
        refused = []

        def refuse():
            refused.append(1)
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

        def work(index, channel):
            talk = Talk(channel)
            if index == 0 and not supervisor.restarts:
                os._exit(9)
            if index == 0:
                say("signal me")
            assert isinstance(talk.hear(), Drain)
            return 0
        """,
        tmp_path,
        signal.SIGTERM,
    )
    assert status == 0, said
    assert "Cannot start a worker, trying again worker=0 error=Resource temporarily unavailable" in said
