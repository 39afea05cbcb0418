"""What Go's DetectContentType says of the same bytes."""

import pytest

from sluicegate.wire.sniff import content_type_of


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", b"text/plain; charset=utf-8"),
        (b'{"json": true}', b"text/plain; charset=utf-8"),
        ("déjà".encode(), b"text/plain; charset=utf-8"),
        (b"  \n<!DocType HTML><p>", b"text/html; charset=utf-8"),
        (b"<p>text", b"text/html; charset=utf-8"),
        (b"<bold>", b"text/plain; charset=utf-8"),
        (b"<br", b"text/plain; charset=utf-8"),
        (b"<!-- x", b"text/html; charset=utf-8"),
        (b'\r\n<?xml version="1.0"?>', b"text/xml; charset=utf-8"),
        (b"\x00\x01\x02", b"application/octet-stream"),
        (b"text then\x00", b"application/octet-stream"),
        (b"\x1b[0m escape is text", b"text/plain; charset=utf-8"),
        (b"x" * 512 + b"\x00", b"text/plain; charset=utf-8"),
        (b"%PDF-1.7", b"application/pdf"),
        (b"\x89PNG\r\n\x1a\n\x00", b"image/png"),
        (b"\xff\xd8\xff\xe0", b"image/jpeg"),
        (b"GIF89a", b"image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", b"image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt", b"audio/wave"),
        (b"\x1f\x8b\x08\x00", b"application/x-gzip"),
        (b"PK\x03\x04", b"application/zip"),
        (b"\x00asm\x01", b"application/wasm"),
        (b"\xfe\xff\x00a", b"text/plain; charset=utf-16be"),
        (b"\xff\xfea\x00", b"text/plain; charset=utf-16le"),
        (b"\xef\xbb\xbfa", b"text/plain; charset=utf-8"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", b"video/mp4"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isomiso2", b"application/octet-stream"),
        (bytes(34) + b"LP", b"application/vnd.ms-fontobject"),
    ],
)
def test_type(body: bytes, expected: bytes) -> None:
    assert content_type_of(body) == expected
