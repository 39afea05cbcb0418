"""Requests to a cluster, all the time, as its clients would make them, and what became of them.

They go to the balancer. Where there is none, the client goes through the nodes in turn, and to the next when it cannot
connect or gets no answer: as a balancer would.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

PAUSE_S = 0.02
ANSWER_LIMIT_S = 10.0
CLIENTS = 4
MOST_EXAMPLES = 5


@dataclass
class Tally:
    """What became of the requests. failed: those without an answer, or with another than 200."""

    asked: int = 0
    failed: int = 0
    longest_s: float = 0.0
    examples: list[str] = field(default_factory=list)


class Traffic:
    """Some clients, each with a kept connection, that ask for some paths in turn.

    key: sent with each request.
    """

    def __init__(self, urls: Sequence[str], paths: Sequence[str], key: str) -> None:
        self._places = [urlsplit(url) for url in urls]
        self._paths, self._headers = paths, {"Authorization": key}
        self.tally = Tally()
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._clients = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(CLIENTS)]

    def __enter__(self) -> Traffic:
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for client in self._clients:
            client.join()

    def begin_anew(self) -> Tally:
        """Count in a new tally from now on, and return the one before."""
        with self._lock:
            before, self.tally = self.tally, Tally()
        return before

    def _run(self, number: int) -> None:
        client = Client(self._places, number)
        turn = number
        while not self._ended.wait(PAUSE_S):
            turn += 1
            path = self._paths[turn % len(self._paths)]
            started = time.monotonic()
            problem = client.ask(path, self._headers)
            self._note(problem and f"{path}: {problem}", time.monotonic() - started)
        client.close()

    def _note(self, problem: str, seconds: float) -> None:
        with self._lock:
            tally = self.tally
            tally.asked += 1
            tally.longest_s = max(tally.longest_s, seconds)
            if problem:
                tally.failed += 1
                if len(tally.examples) < MOST_EXAMPLES:
                    tally.examples.append(problem)


class Client:
    """A kept connection to one of several places."""

    def __init__(self, places: Sequence[SplitResult], first: int) -> None:
        self._places, self._at = places, first
        self._connection = self._connect()

    def ask(self, path: str, headers: dict[str, str]) -> str:
        """Make a request; return "" when it is answered with 200, else what is wrong."""
        problem = ""
        for _ in self._places:
            try:
                self._connection.request("GET", path, headers=headers)
                answer = self._connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException) as error:
                problem = f"{type(error).__name__}: {error}"
                self._at += 1
                self.close()
                self._connection = self._connect()
            else:
                return "" if answer.status == 200 else f"{answer.status} {text[:100].decode('utf-8', 'replace')}"
        return problem

    def close(self) -> None:
        """Let go of the connection."""
        with suppress(OSError):
            self._connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        place = self._places[self._at % len(self._places)]
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        return kind(place.hostname or "", place.port, timeout=ANSWER_LIMIT_S)
