"""Tells the owner of an API of each new OAuth token: a POST to `notifications.oauth_on_keychange_url` (contract 08.5).

Off the road: whoever gets the token does not wait for it. An address that does not answer, or not with success, is
asked again twice, RETRY_S apart. What waits is bounded, since an address may be away while tokens are asked for.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

RETRY_S = 10.0
ATTEMPTS = 3
TIMEOUT_S = 10.0
AT_ONCE = 8
MOST_WAITING = 1000
USER_AGENT = "Tyk-Gatewy-Notifications"  # as Tyk spells it
HEAD_LIMIT_BYTES = 65_536


class KeyChangeHook:
    """Delivers for all APIs of a worker."""

    def __init__(self, retry_s: float = RETRY_S) -> None:
        self._retry_s = retry_s
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._tls: ssl.SSLContext | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_full = False

    def send(self, url: str, secret: str, body: bytes, log: Callable[..., None]) -> None:
        """Deliver a JSON document, some time. Raises nothing: what is not delivered is logged."""
        if len(self._tasks) >= MOST_WAITING:
            if not self._is_full:
                log("error", "OAuth notifications are lost: too many wait", prefix="oauth", waiting=MOST_WAITING)
            self._is_full = True
            return
        self._is_full = False
        task = asyncio.get_running_loop().create_task(self._deliver(url, secret, body, log))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, url: str, secret: str, body: bytes, log: Callable[..., None]) -> None:
        problem = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(self._retry_s)
            async with self._turns:
                problem = await self._attempt(url, secret, body)
            if not problem:
                return
        log("error", "OAuth notification was not delivered", prefix="oauth", reason=problem)

    async def _attempt(self, url: str, secret: str, body: bytes) -> str:
        """Return what went wrong, or ""."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status = await self._post(urlsplit(url), secret, body)
        except TimeoutError:
            return f"no answer within {TIMEOUT_S:g} s"
        except asyncio.IncompleteReadError:
            return "connection closed"
        except (OSError, ValueError, asyncio.LimitOverrunError) as error:
            return str(error) or type(error).__name__
        return "" if 200 <= status < 300 else f"status {status}"

    async def _post(self, url: SplitResult, secret: str, body: bytes) -> int:
        """Return the status that a request is answered with. Raises ValueError where the address cannot be used."""
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError("the address is no http or https URL")
        request = _request(url, secret, body)
        is_tls = url.scheme == "https"
        if is_tls and self._tls is None:
            self._tls = ssl.create_default_context()
        reader, writer = await asyncio.open_connection(
            url.hostname, url.port or (443 if is_tls else 80), ssl=self._tls if is_tls else None, limit=HEAD_LIMIT_BYTES
        )
        try:
            writer.write(request)
            line = await reader.readuntil(b"\n")
        finally:
            writer.transport.abort()
        version, _, rest = line.partition(b" ")
        if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
            raise ValueError("the answer is not HTTP")
        return int(rest[:3])


def _request(url: SplitResult, secret: str, body: bytes) -> bytes:
    """Return the whole request. Raises ValueError where a value would break out of its line."""
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    host = url.netloc.rpartition("@")[2]
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        f"User-Agent: {USER_AGENT}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"X-Tyk-Shared-Secret: {secret}",
        "Connection: close",
    ]
    if any(ord(letter) < 32 for line in lines for letter in line) or " " in path + host:
        raise ValueError("the address or the shared secret holds letters that may not stand in a header")
    return "\r\n".join([*lines, "", ""]).encode() + body
