"""Fixtures that every test may ask for."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from tests.servers import RedisServer, running_redis


@pytest.fixture(scope="session")
def _redis_of_this_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_server(_redis_of_this_process: RedisServer) -> RedisServer:
    """A redis-server with nothing in it; the tests of one process share it, one after the other."""
    with socket.create_connection(("127.0.0.1", _redis_of_this_process.port)) as connection:
        connection.sendall(b"FLUSHALL\r\nSCRIPT FLUSH\r\n")
        answer = b""
        while answer.count(b"+OK\r\n") < 2:
            answer += connection.recv(64)
    return _redis_of_this_process
