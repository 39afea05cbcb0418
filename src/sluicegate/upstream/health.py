"""Active health tests: Tyk's uptime tests (contract 09.13), and which hosts are down because of them.

Every worker tests for itself and keeps what it found in memory, so a worker never waits for another one's opinion, and
the store may be down. The load on a host is one short connection per worker, node and interval: eight workers and the
usual 10 s make 0.8 a second.

    up   ── `samples` failures in a row ───► down   (event HostDown, again at every further failure)
    down ── as many successes in a row, less what it has failed meanwhile ──► up   (event HostUp)

A host is down for all upstreams that ask (`check_host_against_uptime_tests`), while any test of it says so.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

from sluicegate.errors import ConfigError
from sluicegate.upstream.probe import EXPECTED_LIMIT_BYTES, HealthCheck, Verdict, http_request, probe
from sluicegate.upstream.target import Target, parse_target

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import CheckCommand, HostCheckObject
    from sluicegate.settings.model import Settings
    from sluicegate.upstream.resolve import Resolver

HOST_DOWN, HOST_UP = "HostDown", "HostUp"
DEFAULT_TIMEOUT_S = 5.0
JITTER_S = 3.0
JITTER_FROM_S = 5.0
METHOD = re.compile(r"[A-Za-z]{1,20}")


class Listener(Protocol):
    """Who wants to know that hosts went down or came up: `upstream.Upstream`."""

    def on_health(self) -> None:
        """`HostHealth.down` has changed."""


class HostHealth:
    """Which hosts are down in the eyes of this worker. `down` holds them as `host:port`."""

    def __init__(self) -> None:
        self.down: set[str] = set()
        self._accused_by: dict[str, set[HealthCheck]] = {}
        self._listeners: WeakSet[Listener] = WeakSet()

    def tell(self, listener: Listener) -> None:
        """Tell a listener of every change, for as long as it lives."""
        self._listeners.add(listener)

    def mark(self, check: HealthCheck, up: bool) -> None:
        """Note what a test says of its host."""
        key = check.target.key
        accusers = self._accused_by.setdefault(key, set())
        if up:
            accusers.discard(check)
        else:
            accusers.add(check)
        if not accusers:
            del self._accused_by[key]
        if bool(accusers) != (key in self.down):
            self.down ^= {key}
            for listener in list(self._listeners):
                listener.on_health()


@dataclass(slots=True)
class HealthEvent:
    """A host went down, is still down, or came up: HOST_DOWN or HOST_UP, by which test, and what it found."""

    name: str
    check: HealthCheck
    verdict: Verdict


class HealthChecks:
    """The tests that run in this worker.

    workers:  how many tests may be under way at once.
    on_event: is told of every HealthEvent.
    """

    def __init__(
        self,
        health: HostHealth,
        resolver: Resolver,
        workers: int,
        on_event: Callable[[HealthEvent], None] | None = None,
    ) -> None:
        self._health, self._resolver, self._on_event = health, resolver, on_event
        self._gate = asyncio.Semaphore(workers)
        self._running: dict[HealthCheck, asyncio.Task[None]] = {}

    def replace(self, checks: Iterable[HealthCheck]) -> None:
        """Run these tests from now on; those that run already go on undisturbed. Needs a running loop."""
        wanted = dict.fromkeys(checks)
        self.change([check for check in wanted if check not in self._running], self._running.keys() - wanted.keys())

    def change(self, came: Iterable[HealthCheck], gone: Iterable[HealthCheck]) -> None:
        """Run some tests more, and end others. Needs a running loop."""
        for check in gone:
            self._running.pop(check).cancel()
            self._health.mark(check, up=True)
        for check in came:
            self._running[check] = asyncio.create_task(self._watch(check))

    async def close(self) -> None:
        """End all tests; what they found is forgotten."""
        tasks = list(self._running.values())
        self.replace(())
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, check: HealthCheck) -> None:
        failures, down = 0, False
        while True:
            async with self._gate:
                verdict = await probe(check, self._resolver)
            if not verdict.healthy:
                failures = min(failures + 1, check.samples)
                if failures == check.samples:
                    down = True
                    self._found(HOST_DOWN, check, verdict)
            elif down:
                failures -= 1
                if not failures:
                    down = False
                    self._found(HOST_UP, check, verdict)
            else:
                failures = 0
            await asyncio.sleep(_jittered(check.down_interval_s if down else check.interval_s))

    def _found(self, name: str, check: HealthCheck, verdict: Verdict) -> None:
        self._health.mark(check, up=name == HOST_UP)
        if self._on_event is not None:
            self._on_event(HealthEvent(name, check, verdict))


def _jittered(interval_s: float) -> float:
    if interval_s <= JITTER_FROM_S:
        return interval_s
    return interval_s + random.uniform(-JITTER_S, JITTER_S)  # noqa: S311 - spreads load, hides nothing


def read_checks(api: Api, settings: Settings, equip: Callable[[Target], None]) -> list[HealthCheck]:
    """Return the tests that a definition asks for. `equip` gives a target its TLS context. Raises ConfigError."""
    tests = api.classic.uptime_tests
    if tests.disabled or settings.uptime_tests.disable:
        return []
    config = settings.uptime_tests.config
    interval_s = float(config.time_wait)
    down_interval_s = float(tests.config.recheck_wait) if tests.config.recheck_wait > 0 else interval_s
    checks = []
    for at, asked in enumerate(tests.check_list):
        where = f"{api.source}: uptime_tests.check_list[{at}]"
        target, is_http = _target_of(asked, where)
        equip(target)
        commands = tuple(_command(command, where) for command in asked.commands)
        checks.append(
            HealthCheck(
                api_id=api.api_id,
                url=asked.url,
                target=target,
                tls=target.tls,
                request=_request(asked, target, where) if is_http else b"",
                commands=() if is_http else commands,
                timeout_s=_timeout_s(asked.timeout),
                proxy_header=asked.enable_proxy_protocol,
                samples=config.failure_trigger_sample_size,
                interval_s=interval_s,
                down_interval_s=down_interval_s,
            )
        )
    return checks


def _target_of(asked: HostCheckObject, where: str) -> tuple[Target, bool]:
    """Return where a test connects to, and whether it speaks HTTP."""
    scheme, _, rest = asked.url.strip().rpartition("://")
    protocol = (asked.protocol or scheme or "http").lower()
    if protocol not in ("tcp", "tls"):
        return parse_target(asked.url, protocol, f"{where}.url"), True
    target = parse_target(("https://" if protocol == "tls" else "http://") + rest, where=f"{where}.url")
    return target, False


def _request(asked: HostCheckObject, target: Target, where: str) -> bytes:
    method = asked.method or "GET"
    if not METHOD.fullmatch(method):
        raise ConfigError(f"{where}.method", f"{method!r} is no HTTP method")
    try:
        body = base64.b64decode(asked.body, validate=True)
        return http_request(method, target, dict(asked.headers), body)
    except binascii.Error:
        raise ConfigError(f"{where}.body", "is not base64") from None
    except ValueError as error:
        raise ConfigError(f"{where}.headers", str(error)) from None


def _command(command: CheckCommand, where: str) -> tuple[bool, bytes]:
    if command.name not in ("send", "expect"):
        raise ConfigError(f"{where}.commands", f"unknown command {command.name!r}", "send or expect")
    message = command.message.encode()
    if len(message) > EXPECTED_LIMIT_BYTES:
        raise ConfigError(f"{where}.commands", "message too long")
    return command.name == "send", message


def _timeout_s(nanoseconds: int) -> float:
    """Tyk counts nanoseconds; nobody means less than one millisecond, so that is taken for seconds."""
    if nanoseconds <= 0:
        return DEFAULT_TIMEOUT_S
    return nanoseconds / 1e9 if nanoseconds >= 1_000_000 else float(nanoseconds)
