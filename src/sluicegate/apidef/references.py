"""Secrets that a definition's text refers to, put in before it is parsed (contract 02.0).

    env://NAME       up to the next double quote: the environment variable NAME itself, unless it is empty
    secrets://NAME   wherever it stands: an entry of the setting `secrets`
    file://PATH      up to the next double quote: a file below `kv.file.base_path`, where that is set

What cannot be found stays as it is written. Tokens for request time (`$secret_env.`) are another thing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from sluicegate.settings.references import read_secret_file

_ENV = re.compile(r'env://([^"]*)')
_FILE = re.compile(r'file://([^"]*)')


def put_secrets(text: str, secrets: Mapping[str, str], environ: Mapping[str, str], file_base: str = "") -> str:
    """Return the JSON text with its references replaced; values are escaped as JSON strings are."""
    if "://" not in text:
        return text
    if "env://" in text:
        text = _ENV.sub(lambda found: _escaped(environ.get(found[1], "")) or found[0], text)
    if "secrets://" in text:
        for name in sorted(secrets, key=len, reverse=True):
            text = text.replace(f"secrets://{name}", _escaped(secrets[name]))
    if file_base and "file://" in text:
        text = _FILE.sub(lambda found: _from_file(found[0], found[1], file_base), text)
    return text


def refers_to_files(text: bytes) -> bool:
    """Return whether what the text says may change without the text changing."""
    return b"file://" in text


def _escaped(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _from_file(whole: str, name: str, file_base: str) -> str:
    try:
        return _escaped(read_secret_file(file_base, name))
    except LookupError:
        return whole
