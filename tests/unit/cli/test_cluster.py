"""Asking a node about its cluster."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from sluicegate.cli.cluster import Source, Unreachable


@pytest.fixture
def stranger() -> Iterator[str]:
    """The URL of something that is no node: it answers with a page of several lines."""
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_what_a_stranger_answers_is_told_in_one_line(stranger: str) -> None:
    with pytest.raises(Unreachable, match="the node answers 501: <!DOCTYPE HTML>") as told:
        Source(stranger, "secret", None).status()
    assert "\n" not in str(told.value)
