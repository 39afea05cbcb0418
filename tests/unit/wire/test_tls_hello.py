"""The name that a TLS client asks for, in its first message."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.wire.tls_hello import hello_size, server_name


def hello(name: str | None, **options: object) -> bytes:
    """Return what a client of OpenSSL sends first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for option, value in options.items():
        setattr(context, option, value)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


OLD = {"maximum_version": ssl.TLSVersion.TLSv1_2}


@pytest.mark.parametrize("options", [{}, OLD], ids=["1.3", "1.2"])
@pytest.mark.parametrize(("name", "expected"), [("One.Test", "one.test"), (None, ""), ("127.0.0.1", "")])
def test_the_name(name: str | None, expected: str, options: dict[str, object]) -> None:
    message = hello(name, **options)
    assert hello_size(message[:5]) == len(message)
    assert server_name(message) == expected


def test_other_extensions_before_the_name() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="one.test").do_handshake()
    assert server_name(outgoing.read()) == "one.test"


def test_without_extensions_there_is_no_name() -> None:
    body = b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\x00\x2f" + b"\x01\x00"
    message = b"\x01" + len(body).to_bytes(3) + body
    assert server_name(b"\x16\x03\x01" + len(message).to_bytes(2) + message) == ""


@pytest.mark.parametrize("head", [b"GET /", b"\x80\x2e\x01\x00\x02", b"\x15\x03\x01\x00\x02"])
def test_what_is_no_handshake_has_no_size(head: bytes) -> None:
    assert hello_size(head) == 0


def test_a_message_that_is_cut_is_not_understood() -> None:
    message = hello("one.test", **OLD)
    found = {server_name(message[:size]) for size in range(5, len(message))}
    assert found <= {None}


@given(st.binary(min_size=5, max_size=400))
def test_noise(data: bytes) -> None:
    assert isinstance(server_name(data), str | None)
    assert hello_size(data[:5]) >= 0
