"""PROXY protocol: what is read, byte by byte, and what is refused."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.errors import BadMessage
from sluicegate.wire.proxy_protocol import V2_START, ProxyHeader, read_proxy_header, write_proxy_v1

ports = st.integers(0, 65535)


def v2(command: int, family: int, body: bytes) -> bytes:
    return V2_START + struct.pack("!BBH", 0x20 | command, family, len(body)) + body


@pytest.mark.parametrize(
    ("data", "source", "rest"),
    [
        (b"PROXY TCP4 192.0.2.1 198.51.100.2 5000 443\r\nGET /", ("192.0.2.1", 5000), b"GET /"),
        (b"PROXY TCP6 2001:DB8::1 ::2 1 2\r\n", ("2001:db8::1", 1), b""),
        (b"PROXY UNKNOWN\r\nx", None, b"x"),
        (b"PROXY UNKNOWN ff::1 ff::2 1 2\r\n", None, b""),
        (v2(1, 0x11, bytes([192, 0, 2, 1, 1, 1, 1, 1, 0x13, 0x88, 0, 80])) + b"x", ("192.0.2.1", 5000), b"x"),
        (v2(1, 0x21, bytes(15) + b"\x01" + bytes(16) + b"\x00\x07\x00\x08" + b"TLV"), ("::1", 7), b""),
        (v2(0, 0x00, b""), None, b""),
        (v2(1, 0x31, bytes(216)), None, b""),
    ],
)
def test_reads_however_it_is_cut(data: bytes, source: tuple[str, int] | None, rest: bytes) -> None:
    whole = read_proxy_header(data)
    assert whole is not None
    assert whole.source == source
    assert data[whole.size_bytes :] == rest
    for end in range(whole.size_bytes):
        assert read_proxy_header(data[:end]) is None
    assert read_proxy_header(data[: whole.size_bytes]) == whole


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"PROXY TCP4 1.1.1.1 2.2.2.2 80\r\n",
        b"PROXY TCP4 ::1 ::2 80 80\r\n",
        b"PROXY TCP6 1.1.1.1 2.2.2.2 80 80\r\n",
        b"PROXY TCP4 1.1.1.1 2.2.2.2 80 65536\r\n",
        b"PROXY TCP4 1.1.1.1 2.2.2.2 -1 80\r\n",
        b"PROXY TCP4  1.1.1.1 2.2.2.2 1 80\r\n",
        b"PROXY UDP4 1.1.1.1 2.2.2.2 1 80\r\n",
        b"PROXY \r\n",
        b"PROXY " + b"x" * 101,
        V2_START + b"\x11\x11\x00\x00",
        V2_START + b"\x22\x11\x00\x00",
        V2_START + b"\x21\x11\xff\xff",
        v2(1, 0x11, bytes(11)),
    ],
)
def test_refuses(data: bytes) -> None:
    with pytest.raises(BadMessage) as caught:
        read_proxy_header(data)
    assert caught.value.status == 400


@given(st.ip_addresses(v=4), st.ip_addresses(v=4), ports, ports)
def test_reads_what_it_writes(
    source: ipaddress.IPv4Address, destination: ipaddress.IPv4Address, source_port: int, destination_port: int
) -> None:
    data = write_proxy_v1((str(source), source_port), (str(destination), destination_port))
    expected = ProxyHeader((str(source), source_port), (str(destination), destination_port), len(data))
    assert read_proxy_header(data + b"more") == expected


@given(
    st.one_of(
        st.binary(max_size=200), st.binary(max_size=200).map(b"PROXY ".__add__), st.binary().map(V2_START.__add__)
    )
)
def test_any_bytes_are_a_header_need_more_or_are_refused(data: bytes) -> None:
    try:
        header = read_proxy_header(data)
    except BadMessage:
        return
    assert header is None or 0 < header.size_bytes <= len(data)
