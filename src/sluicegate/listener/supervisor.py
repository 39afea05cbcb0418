"""The supervisor: starts the workers, replaces those that die, and passes between them what concerns all.

It serves nothing itself, so that nothing a client does can hurt it. One thread, one selector; signals arrive as bytes
on a pipe. Workers are forked from it with everything imported, so that a new one serves within a fraction of a second.

    SIGTERM, SIGINT, SIGQUIT   all workers drain; exit 0 when they have ended, by force after the grace period
    SIGINT, SIGQUIT again      all workers end at once
    SIGHUP                     all workers reload
    SIGCHLD                    a worker has ended: replaced, unless we are ending
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sluicegate.listener.channel import (
    Answer,
    Ask,
    AskPage,
    Do,
    Done,
    Drain,
    Message,
    MessageReader,
    Ready,
    Remember,
    encode,
)

QUICK_DEATH_S = 2.0
LONGEST_PAUSE_S = 5.0
TRY_AGAIN_S = 1.0
ANSWER_LIMIT_S = 60.0
TAKE_LIMIT_S = 5.0
"""How long a worker may take to take a message, before it is taken for dead: the supervisor waits for nobody else."""
READ_BYTES = 1 << 20
CANNOT_START = 78
"""Exit status of a worker that could not begin; a node of which none ever could gives up (EX_CONFIG)."""

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD)

WorkerMain = Callable[[int, socket.socket], int]
"""Runs a worker, by its index and its end of the channel; returns its exit status."""

PageMaker = Callable[[int, int], bytes]
"""Makes the page of metrics, given how many workers there are and were replaced; the workers are not asked."""


@dataclass(eq=False)
class Worker:
    """One worker process, seen from here."""

    index: int
    pid: int
    channel: socket.socket
    started: float
    reader: MessageReader = field(default_factory=MessageReader)


@dataclass(eq=False)
class Errand:
    """Something that every worker was asked to do."""

    asker: Worker | None
    number: int
    waiting: set[Worker]
    deadline: float
    errors: list[str] = field(default_factory=list)


class Supervisor:
    """Runs `count` workers until it is told to stop.

    memory: what workers want to be remembered; each worker begins with a copy of it, since it is forked.
    """

    def __init__(
        self,
        count: int,
        worker_main: WorkerMain,
        make_page: PageMaker,
        log: Callable[..., None],
        grace_s: float,
        memory: dict[bytes, bytes],
    ) -> None:
        self.count, self.worker_main, self.make_page, self.log = count, worker_main, make_page, log
        self.grace_s, self.memory = grace_s, memory
        self.workers: dict[int, Worker] = {}
        self.restart_at: dict[int, float] = {}
        self.deaths: dict[int, int] = {}
        self.errands: dict[int, Errand] = {}
        self.next_number = 1
        self.restarts = 0
        self.has_served = False
        self.stopping_since = 0.0
        self.status = 0
        self.selector = selectors.DefaultSelector()
        self.signals, self.signal_end = socket.socketpair()

    def run(self) -> int:
        """Run until told to stop; return the exit status."""
        self.signals.setblocking(False)
        self.signal_end.setblocking(False)
        signal.set_wakeup_fd(self.signal_end.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, lambda *_: None)
        self.selector.register(self.signals, selectors.EVENT_READ, None)
        for index in range(self.count):
            self.start(index)
        while self.workers or (self.restart_at and not self.stopping_since):
            for key, _ in self.selector.select(self.until_next()):
                if key.data is None:
                    self.take_signals()
                else:
                    self.take_messages(key.data)
            self.tend()
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # too late: one that comes while we exit must not change how
        return self.status

    def until_next(self) -> float:
        """Return how long nothing needs doing unless something happens, at most a second."""
        waits = [1.0]
        now = time.monotonic()
        waits += [at - now for at in self.restart_at.values()]
        waits += [errand.deadline - now for errand in self.errands.values()]
        return max(0.0, min(waits))

    # -- workers

    def start(self, index: int) -> None:
        """Fork a worker; when the system cannot, for want of processes, files or memory, try it again later."""
        try:
            ours, theirs, pid = forked()
        except OSError as error:
            self.log("error", "Cannot start a worker, trying again", worker=index, error=error.strerror)
            self.restart_at[index] = time.monotonic() + TRY_AGAIN_S
            return
        if not pid:
            self.become_worker(index, ours, theirs)
        theirs.close()
        ours.settimeout(TAKE_LIMIT_S)
        worker = Worker(index, pid, ours, time.monotonic())
        self.workers[pid] = worker
        self.selector.register(ours, selectors.EVENT_READ, worker)

    def become_worker(self, index: int, ours: socket.socket, theirs: socket.socket) -> None:
        """The child's side of the fork: forget what is the supervisor's, and work. Never returns."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self.selector.close()
            for one in (ours, self.signals, self.signal_end, *(worker.channel for worker in self.workers.values())):
                one.close()
            status = self.worker_main(index, theirs)
        except KeyboardInterrupt:
            status = 0
        except BaseException as error:
            self.log("error", "Worker failed", worker=index, exc_info=error)
        finally:
            os._exit(status)

    def bury(self, pid: int, wait_status: int) -> None:
        """A worker has ended: have it replaced."""
        worker = self.workers.pop(pid, None)
        if worker is None:
            return
        worker.channel.setblocking(False)
        while self.take_messages(worker):  # what it said last counts, too
            pass
        with contextlib.suppress(OSError, KeyError, ValueError):
            self.selector.unregister(worker.channel)
        worker.channel.close()
        for errand in self.errands.values():
            errand.waiting.discard(worker)
        if self.stopping_since:
            return
        code = os.waitstatus_to_exitcode(wait_status)
        if code == CANNOT_START and not self.has_served:
            self.status = 1
            self.stop()
            return
        lived_s = time.monotonic() - worker.started
        deaths = self.deaths[worker.index] = self.deaths.get(worker.index, 0) + 1 if lived_s < QUICK_DEATH_S else 0
        pause_s = min(0.1 * 2**deaths, LONGEST_PAUSE_S) if deaths else 0.0
        self.restarts += 1
        self.log("error", "Worker died, starting another", worker=worker.index, pid=pid, exit_status=code)
        self.restart_at[worker.index] = time.monotonic() + pause_s

    # -- signals

    def take_signals(self) -> None:
        """Act on the signals that have come."""
        with contextlib.suppress(BlockingIOError):
            for number in self.signals.recv(64):
                if number == signal.SIGHUP:
                    self.log("info", "Reloading on SIGHUP")
                    self.give_out(None, 0, "reload", b"")
                elif number in (signal.SIGINT, signal.SIGQUIT) and self.stopping_since:
                    self.kill(signal.SIGKILL)
                elif number != signal.SIGCHLD:
                    self.stop()

    def stop(self) -> None:
        """Have all workers drain."""
        if self.stopping_since:
            return
        self.stopping_since = time.monotonic()
        self.restart_at.clear()
        for worker in list(self.workers.values()):
            self.send(worker, Drain())

    def kill(self, number: int) -> None:
        """Send a signal to all workers."""
        for pid in self.workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def tend(self) -> None:
        """Reap, replace, and give up on what takes too long."""
        self.reap()
        now = time.monotonic()
        if self.stopping_since and now > self.stopping_since + self.grace_s:
            self.log("error", "Workers did not end in time", workers=len(self.workers))
            self.kill(signal.SIGKILL)
        for index, at in list(self.restart_at.items()):
            if at <= now:
                del self.restart_at[index]
                self.start(index)
        for errand in list(self.errands.values()):
            if errand.deadline <= now:
                errand.errors += [f"worker {worker.index} did not answer" for worker in errand.waiting]
                errand.waiting.clear()
        self.settle_errands()

    def reap(self) -> None:
        """Collect workers that have ended."""
        while self.workers:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            self.bury(pid, status)

    # -- messages

    def send(self, worker: Worker, message: Message) -> None:
        """Send a message; a worker that cannot take it is dying, or made to, and will be buried."""
        try:
            worker.channel.sendall(encode(message))
        except TimeoutError:
            self.give_up(worker, "takes no messages")
        except OSError:
            pass

    def give_up(self, worker: Worker, why: str) -> None:
        """End a worker that does not work as it should, if it has not ended yet: its pid may be another's then."""
        if worker.pid not in self.workers:
            return
        self.log("error", f"Worker {why}, ending it", worker=worker.index, pid=worker.pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)

    def take_messages(self, worker: Worker) -> bool:
        """Act on what a worker says; return whether it may have said more."""
        try:
            data = worker.channel.recv(READ_BYTES)
        except OSError:
            data = b""
        if not data:
            with contextlib.suppress(KeyError, ValueError):
                self.selector.unregister(worker.channel)
            return False
        try:
            messages = worker.reader.feed(data)
        except ValueError as error:
            self.give_up(worker, f"sent what is no message ({error})")
            return False
        for message in messages:
            self.take(worker, message)
        self.settle_errands()
        return True

    def take(self, worker: Worker, message: Message) -> None:
        """Act on one message."""
        match message:
            case Ready():
                self.has_served = True
            case Ask(number, what, argument):
                self.give_out(worker, number, what, argument)
            case AskPage(number):
                self.send(worker, Answer(number, data=self.make_page(len(self.workers), self.restarts)))
            case Done(number, error):
                self.note(worker, number, error)
            case Remember(changed):
                self.remember(changed)
            case _:
                self.log("error", "Unexpected message from a worker", worker=worker.index)

    def remember(self, changed: Mapping[bytes, bytes | None]) -> None:
        """Keep something for workers that are started later."""
        for name, value in changed.items():
            if value is None:
                self.memory.pop(name, None)
            else:
                self.memory[name] = value

    def give_out(self, asker: Worker | None, number: int, what: str, argument: bytes) -> None:
        """Have every worker do something; one that is still starting does it before it is done with that.

        It may have read the files already, so that leaving it out would leave it with what was there before.
        """
        own, self.next_number = self.next_number, self.next_number + 1
        waiting = set(self.workers.values())
        self.errands[own] = Errand(asker, number, waiting, time.monotonic() + ANSWER_LIMIT_S)
        for worker in list(waiting):
            self.send(worker, Do(own, what, argument))

    def note(self, worker: Worker, number: int, error: str) -> None:
        """A worker has done its part of an errand."""
        errand = self.errands.get(number)
        if errand is None:
            return
        errand.waiting.discard(worker)
        if error:
            errand.errors.append(error)

    def settle_errands(self) -> None:
        """Answer those whose errands are done."""
        for own, errand in list(self.errands.items()):
            if errand.waiting:
                continue
            del self.errands[own]
            if errand.asker is not None:
                self.send(errand.asker, Answer(errand.number, "\n".join(dict.fromkeys(errand.errors))))


def forked() -> tuple[socket.socket, socket.socket, int]:
    """Return both ends of a channel, and the id of a new process, 0 in that one. Raises OSError."""
    ours, theirs = socket.socketpair()
    try:
        return ours, theirs, os.fork()
    except OSError:
        ours.close()
        theirs.close()
        raise
