"""The content type of a body that came without one, by its first bytes.

Go's `http.DetectContentType`, which follows the WHATWG MIME sniffing standard (section 7), because that is what clients
of Tyk see (contract 06.7). Pure: bytes in, a type out.
"""

from __future__ import annotations

import re

LOOKED_AT_BYTES = 512

TEXT = b"text/plain; charset=utf-8"
HTML = b"text/html; charset=utf-8"
UNKNOWN = b"application/octet-stream"

BLANKS = b"\t\n\x0c\r "
BINARY = bytes(one for one in range(32) if one not in b"\t\n\x0c\r\x1b")
# A tag counts only when a blank or `>` ends it (WHATWG: tag-terminating byte).
HTML_START = re.compile(
    rb"(?:<!doctype html|<html|<head|<script|<iframe|<h1|<div|<font|<table|<a|<style|<title|<b|<body|<br|<p|<!--)[ >]",
    re.IGNORECASE,
)

SIGNATURES = (
    (rb"%PDF-", b"application/pdf"),
    (rb"%!PS-Adobe-", b"application/postscript"),
    (rb"\xfe\xff..", b"text/plain; charset=utf-16be"),
    (rb"\xff\xfe..", b"text/plain; charset=utf-16le"),
    (rb"\xef\xbb\xbf.", TEXT),
    (rb"\x00\x00[\x01\x02]\x00", b"image/x-icon"),
    (rb"BM", b"image/bmp"),
    (rb"GIF8[79]a", b"image/gif"),
    (rb"RIFF....WEBPVP", b"image/webp"),
    (rb"\x89PNG\r\n\x1a\n", b"image/png"),
    (rb"\xff\xd8\xff", b"image/jpeg"),
    (rb"FORM....AIFF", b"audio/aiff"),
    (rb"ID3", b"audio/mpeg"),
    (rb"OggS\x00", b"application/ogg"),
    (rb"MThd\x00\x00\x00\x06", b"audio/midi"),
    (rb"RIFF....AVI ", b"video/avi"),
    (rb"RIFF....WAVE", b"audio/wave"),
    (rb"\x1a\x45\xdf\xa3", b"video/webm"),
    (rb".{34}LP", b"application/vnd.ms-fontobject"),
    (rb"\x00\x01\x00\x00", b"font/ttf"),
    (rb"OTTO", b"font/otf"),
    (rb"ttcf", b"font/collection"),
    (rb"wOFF", b"font/woff"),
    (rb"wOF2", b"font/woff2"),
    (rb"\x1f\x8b\x08", b"application/x-gzip"),
    (rb"PK\x03\x04", b"application/zip"),
    (rb"Rar!\x1a\x07(?:\x00|\x01\x00)", b"application/x-rar-compressed"),
    (rb"\x00asm", b"application/wasm"),
)
ANY_SIGNATURE = re.compile(b"|".join(b"(" + pattern + b")" for pattern, _ in SIGNATURES), re.DOTALL)


def content_type_of(body: bytes) -> bytes:
    """Return the media type that the first 512 bytes of a body look like."""
    data = body[:LOOKED_AT_BYTES]
    start = data.lstrip(BLANKS)
    if start[:1] == b"<":
        if HTML_START.match(start):
            return HTML
        if start.startswith(b"<?xml"):
            return b"text/xml; charset=utf-8"
    elif (found := ANY_SIGNATURE.match(data)) is not None:
        return SIGNATURES[(found.lastindex or 1) - 1][1]
    elif _is_mp4(data):
        return b"video/mp4"
    return TEXT if len(data.translate(None, BINARY)) == len(data) else UNKNOWN


def _is_mp4(data: bytes) -> bool:
    """Whether an `ftyp` box names an mp4 brand (WHATWG MIME sniffing, section 6.2.1)."""
    if len(data) < 12 or data[4:8] != b"ftyp":
        return False
    size = int.from_bytes(data[:4], "big")
    if len(data) < size or size % 4:
        return False
    return any(at != 12 and data[at : at + 3] == b"mp4" for at in range(8, size, 4))
