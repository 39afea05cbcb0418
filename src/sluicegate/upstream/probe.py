"""One health test of one host, from connecting to a verdict. Off the road: each opens a connection of its own."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sluicegate.errors import UpstreamError
from sluicegate.wire.headers import make_field
from sluicegate.wire.proxy_protocol import write_proxy_v1

if TYPE_CHECKING:
    from sluicegate.upstream.resolve import Resolver
    from sluicegate.upstream.target import Target

HEAD_LIMIT_BYTES = 65_536
EXPECTED_LIMIT_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A test that a definition asks for (contract 09.13); `upstream.health.read_checks` makes it.

    api_id, url:   whose it is, and the address as it was written: for events.
    target, tls:   where to connect to, and its TLS context where TLS is spoken; two tests that differ in neither that
                   nor anything else here are the same test, and a reload does not disturb it.
    request:       the whole HTTP request, or empty: then `commands` are the test.
    commands:      (True, bytes to send) or (False, bytes that must come).
    timeout_s:     for the whole test.
    proxy_header:  begin with a PROXY protocol header.
    samples:       how many failures in a row make the host down, and successes up again.
    interval_s, down_interval_s: between two tests, while it is up or down.
    """

    api_id: str
    url: str
    target: Target = field(compare=False)
    tls: ssl.SSLContext | None
    request: bytes
    commands: tuple[tuple[bool, bytes], ...]
    timeout_s: float
    proxy_header: bool
    samples: int
    interval_s: float
    down_interval_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a test found: the HTTP status (0: none, or no HTTP), and what went wrong, or ""."""

    status: int = 0
    problem: str = ""

    @property
    def healthy(self) -> bool:
        """Whether the test was passed."""
        return not self.problem


async def probe(check: HealthCheck, resolver: Resolver) -> Verdict:
    """Carry out a test. Never raises but when it is cancelled."""
    try:
        async with asyncio.timeout(check.timeout_s):
            return await _probe(check, resolver)
    except TimeoutError:
        return Verdict(problem=f"no answer within {check.timeout_s:g} s")
    except UpstreamError as error:
        return Verdict(problem=error.detail)
    except asyncio.IncompleteReadError:
        return Verdict(problem="connection closed")
    except (OSError, asyncio.LimitOverrunError) as error:
        return Verdict(problem=str(error) or type(error).__name__)


async def _probe(check: HealthCheck, resolver: Resolver) -> Verdict:
    target = check.target
    # A PROXY header goes before the TLS handshake, so that comes in a second step.
    at_once = check.tls if not check.proxy_header else None
    address, reader, writer = await _connect(check, at_once, await resolver.addresses(target.host))
    try:
        if check.proxy_header:
            writer.write(write_proxy_v1(writer.get_extra_info("sockname")[:2], (address, target.port)))
            if check.tls is not None:
                await writer.drain()
                await writer.start_tls(check.tls, server_hostname=target.server_name)
        if check.request:
            return await _ask(check.request, reader, writer)
        return await _talk(check.commands, reader, writer)
    finally:
        writer.transport.abort()


async def _connect(
    check: HealthCheck, tls: ssl.SSLContext | None, addresses: tuple[str, ...]
) -> tuple[str, asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect as requests do, to the first address that can be had, and return it. Raises OSError."""
    failure = OSError("no address")
    for address in addresses:
        try:
            async with asyncio.timeout(check.timeout_s / len(addresses)):
                reader, writer = await asyncio.open_connection(
                    address,
                    check.target.port,
                    ssl=tls,
                    server_hostname=check.target.server_name if tls else None,
                    limit=HEAD_LIMIT_BYTES,
                )
        except OSError as error:  # TimeoutError is one
            failure = error
        else:
            return address, reader, writer
    raise failure


async def _ask(request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Verdict:
    writer.write(request)
    line = await reader.readuntil(b"\n")
    version, _, rest = line.partition(b" ")
    status = rest[:3]
    if not version.startswith(b"HTTP/1.") or not status.isdigit():
        return Verdict(problem="the answer is not HTTP")
    return Verdict(int(status), "" if status == b"200" else f"status {int(status)}")


async def _talk(
    commands: tuple[tuple[bool, bytes], ...], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Verdict:
    for sends, message in commands:
        if sends:
            writer.write(message)
            await writer.drain()
        elif await reader.readexactly(len(message)) != message:
            return Verdict(problem="expected message not received")
    return Verdict()


def http_request(method: str, target: Target, headers: dict[str, str], body: bytes) -> bytes:
    """Return a request to the target's own path, after which the connection is closed. Raises ValueError."""
    own = {name.lower() for name in headers}
    lines = [make_field(name.encode("latin-1"), value.encode("utf-8")).line for name, value in headers.items()]
    if "host" not in own:
        lines.insert(0, b"Host: %b\r\n" % target.host_header)
    if "user-agent" not in own:
        lines.append(b"User-Agent: Sluicegate health test\r\n")
    if body:
        lines.append(b"Content-Length: %d\r\n" % len(body))
    path = target.path_prefix or b"/"
    if target.query:
        path += b"?" + target.query
    start = b"%b %b HTTP/1.1\r\n" % (method.encode("ascii"), path)
    return b"%b%bConnection: close\r\n\r\n%b" % (start, b"".join(lines), body)
