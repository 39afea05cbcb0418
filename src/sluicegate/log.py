"""The application log, as Tyk writes it (logrus; contract 12.2): one line an event, to standard error.

    text:    time="2026-01-02T15:04:05Z" level=info message="API loaded" api_id=one prefix=main
    json:    {"api_id":"one","level":"info","message":"API loaded","prefix":"main","time":"2026-01-02T15:04:05Z"}
    legacy:  time="Jan 02 15:04:05" level=info msg="API loaded" api_id=one prefix=main

A line that its level filters out costs one comparison; so fields are passed as they are, and never formatted by the
caller. Each line is one write, so lines of several workers do not mix. A log that cannot be written stops nobody, and
one that nobody reads holds nobody up (`never_wait`). What libraries log through Python's `logging` comes out here as
well.
"""

from __future__ import annotations

import logging
import os
import re
import select
import socket
import stat
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from sluicegate.clock import now

DEBUG, INFO, WARNING, ERROR, FATAL = 10, 20, 30, 40, 50
LEVELS = {"debug": DEBUG, "info": INFO, "warn": WARNING, "warning": WARNING, "error": ERROR}
"""What `log_level` may be, in lower case; an empty one is info."""

FORMATS = ("text", "json", "legacy")

_NAMES = {DEBUG: "debug", INFO: "info", WARNING: "warning", ERROR: "error", FATAL: "fatal"}
_STDERR = 2
PATIENCE_S = 0.05
"""For how long a reader may make no room before lines are lost."""

# logrus' TextFormatter leaves a value unquoted if it has these characters only.
_PLAIN = re.compile(r"[A-Za-z0-9\-._/@^+]*")
# Go's %q: what must be written as an escape, and the escapes that have a letter.
_ESCAPED = re.compile(r'["\\]|[^ -~]')
_LETTERS = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}
_LETTERS |= {'"': r"\"", "\\": r"\\"}


class _State:
    """What `configure` and `never_wait` set, and what became of the last lines; one for the process."""

    threshold = INFO
    format = "text"
    shows_keys = False
    stamped_s = -1
    stamp = ""
    send: Callable[[bytes], int] = partial(os.write, _STDERR)
    fd = _STDERR  # that it writes to
    lost = 0  # lines that nobody took, since the last one that was taken
    start = b""  # of the next line: a newline, where the last one was broken off


class Logger:
    """Writes lines that all carry the same fields."""

    __slots__ = ("_fields",)

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    def bind(self, **fields: Any) -> Logger:
        """Return a logger whose lines carry these fields too."""
        return Logger(self._fields | fields)

    def debug(self, message: str, /, **fields: Any) -> None:
        if _State.threshold <= DEBUG:
            _write(DEBUG, message, self._fields | fields)

    def info(self, message: str, /, **fields: Any) -> None:
        if _State.threshold <= INFO:
            _write(INFO, message, self._fields | fields)

    def warning(self, message: str, /, **fields: Any) -> None:
        if _State.threshold <= WARNING:
            _write(WARNING, message, self._fields | fields)

    def error(self, message: str, /, **fields: Any) -> None:
        _write(ERROR, message, self._fields | fields)

    def fatal(self, message: str, /, **fields: Any) -> None:
        """Write a line at level fatal; ending the process is the caller's business."""
        _write(FATAL, message, self._fields | fields)

    def log(self, level: str, message: str, /, **fields: Any) -> None:
        """Write a line at a level by its name, one of `LEVELS`."""
        number = LEVELS[level]
        if _State.threshold <= number:
            _write(number, message, self._fields | fields)


def configure(level: str = "info", format: str = "text", *, enable_key_logging: bool = False) -> None:
    """Set what is logged, and how. What is not in `LEVELS` or `FORMATS` counts as info, and as text."""
    _State.threshold = LEVELS.get(level.lower(), INFO)
    _State.format = format if format in FORMATS else "text"
    _State.shows_keys = enable_key_logging
    _State.stamped_s = -1
    root = logging.getLogger()
    root.handlers[:] = [_FromLogging()]
    root.setLevel(max(_State.threshold, WARNING))


def never_wait() -> None:
    """Lose lines from now on, rather than wait for somebody who does not read them: that would hold up every request.

    Somebody who reads gets them all, as long as `PATIENCE_S` is enough to make room. Pipes and terminals are opened
    once more for that: to change the one we were given would change it for all who share it, such as the shell. A file
    takes lines as fast as we write them.
    """
    kind = os.fstat(_STDERR).st_mode
    with suppress(OSError):
        if stat.S_ISSOCK(kind):
            sock = socket.socket(fileno=os.dup(_STDERR))
            _State.send, _State.fd = partial(_send_now, sock), sock.fileno()
        elif not stat.S_ISREG(kind):
            flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            _State.fd = os.open(f"/proc/self/fd/{_STDERR}", flags)
            _State.send = partial(os.write, _State.fd)


def _send_now(sock: socket.socket, lines: bytes) -> int:
    return sock.send(lines, socket.MSG_DONTWAIT)


def get(**fields: Any) -> Logger:
    """Return a logger whose lines carry these fields; `prefix` is where Tyk names the part that speaks."""
    return Logger(fields)


def show_key(key: str) -> str:
    """Return a key as it may stand in a log: its last four characters, or all with `enable_key_logging`."""
    if _State.shows_keys:
        return key
    return f"****{key[-4:]}" if len(key) > 4 else "--"


def timestamp(at_s: float) -> str:
    """Return a time as the log's format writes it, in the local time zone."""
    second = int(at_s)
    if second != _State.stamped_s:
        local = datetime.fromtimestamp(second).astimezone()
        legacy = _State.format == "legacy"
        _State.stamp = local.strftime("%b %d %H:%M:%S") if legacy else local.isoformat().replace("+00:00", "Z")
        _State.stamped_s = second
    return _State.stamp


def line(level: int, message: str, fields: dict[str, Any], at_s: float) -> bytes:
    """Return a line in the configured format, newline included."""
    if _State.format == "json":
        return _json_line(_NAMES[level], message, fields, timestamp(at_s))
    return _text_line(_NAMES[level], message, fields, timestamp(at_s))


def quote(value: str) -> str:
    """Return a value as logrus writes it: bare where that is unmistakable, else in Go's quotes."""
    if _PLAIN.fullmatch(value):
        return value
    return f'"{_ESCAPED.sub(_escape, value)}"'


def write(lines: bytes) -> None:
    """Write finished lines in one piece; waits until somebody takes them."""
    try:
        os.write(_STDERR, lines)
    except OSError:
        pass  # nobody listens, and there is no other place to say so


def _write(level: int, message: str, fields: dict[str, Any]) -> None:
    moment = now()
    text = line(level, message, fields, moment)
    if _State.lost:
        text = line(WARNING, "Nobody read the log, lines of it are lost", {"lines": _State.lost}, moment) + text
    text = _State.start + text
    try:
        written = _hand_over(text)
    except OSError:
        _State.lost += 1
    else:
        is_whole = written == len(text)
        _State.start, _State.lost = (b"", 0) if is_whole else (b"\n", 1)


def _hand_over(text: bytes) -> int:
    """Write as much as is taken, and return how much that is. Who has let a line be lost is not waited for again."""
    try:
        return _State.send(text)
    except BlockingIOError:
        if _State.lost:
            raise
    room = select.poll()
    room.register(_State.fd, select.POLLOUT)
    room.poll(PATIENCE_S * 1000)
    return _State.send(text)


def _text_line(level: str, message: str, fields: dict[str, Any], time: str) -> bytes:
    parts = [f"time={quote(time)} level={level}"]
    key = "msg" if _State.format == "legacy" else "message"
    if message:
        parts.append(f"{key}={quote(message)}")
    taken = {"time", "level", key}
    for name in sorted(fields):
        shown = f"fields.{name}" if name in taken else name
        parts.append(f"{shown}={quote(_text_of(fields[name]))}")
    return (" ".join(parts) + "\n").encode()


def _json_line(level: str, message: str, fields: dict[str, Any], time: str) -> bytes:
    record: dict[str, Any] = {"level": level, "message": _clean(message), "time": time}
    for name, value in fields.items():
        shown = f"fields.{name}" if name in ("level", "message", "time") else name
        record[_clean(shown)] = _json_value(value)
    text = msgspec.json.encode({name: record[name] for name in sorted(record)})
    for mark, escape in ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026")):
        if mark in text:
            text = text.replace(mark, escape)
    return text + b"\n"


def _json_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {_clean(str(key)): _json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and -(2**63) <= value < 2**64):
        return value
    return _clean(_text_of(value))


def _text_of(value: Any) -> str:
    """Write a value as Go's fmt does."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "<nil>"
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list | tuple):
        return f"[{' '.join(map(_text_of, value))}]"
    return str(value)


def _clean(text: str) -> str:
    """Return a text that can be written as UTF-8, whatever a client has put into it."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in _LETTERS:
        return _LETTERS[character]
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    if character.isprintable():
        return character
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class _FromLogging(logging.Handler):
    """Brings what libraries log through Python's `logging` into our lines."""

    def emit(self, record: logging.LogRecord) -> None:
        level = max(DEBUG, min(record.levelno // 10 * 10, ERROR))
        fields: dict[str, Any] = {"prefix": record.name}
        if record.exc_info and record.exc_info[0] is not None:
            fields["error"] = "".join(traceback.format_exception(*record.exc_info))
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)  # the caller's arguments do not fit its text
        _write(level, message, fields)
