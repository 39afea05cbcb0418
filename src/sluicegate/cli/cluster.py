"""How a command asks a node about its cluster: the node of a URL, else the one that the settings describe."""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from sluicegate.cli.hello import ask
from sluicegate.cluster.status import Status
from sluicegate.errors import ConfigError
from sluicegate.settings.load import SettingsErrors, load_settings

PATH = "/tyk/cluster/status"
PATIENCE_S = 10.0
SECRET_VARIABLE = "TYK_GW_SECRET"  # noqa: S105 - the name of it


class Unreachable(Exception):
    """Nobody answered, or not what was asked; the text says why."""


class Source:
    """Where to ask. Raises ConfigError when that is not clear.

    url:    of the admin API of any node; None: of the node that `conf` describes.
    secret: of the admin API; None: from TYK_GW_SECRET, else from the settings.
    """

    def __init__(self, url: str | None, secret: str | None, conf: Path | None) -> None:
        self._url, self._settings = url, None
        secret = secret or os.environ.get(SECRET_VARIABLE, "")
        if url is not None and urlsplit(url).scheme not in ("http", "https"):
            raise ConfigError("--url", f'"{url}" is not a URL', "write http://host:port")
        if url is None or not secret:
            try:
                settings = load_settings(conf, os.environ).settings
            except SettingsErrors as errors:
                raise errors.errors[0] from None
            secret = secret or settings.secret
            self._settings = settings if url is None else None
        self._headers = {"X-Tyk-Authorization": secret.encode("utf-8", "surrogateescape").decode("latin-1")}

    def status(self) -> Status:
        """Return how the cluster is. Raises Unreachable."""
        code, text = self.call("GET", PATH)
        if code != 200:
            raise Unreachable(f"the node answers {code}: {' '.join(text.split())[:200]}")
        try:
            return msgspec.json.decode(text, type=Status)
        except msgspec.DecodeError as error:
            raise Unreachable(f"not a node of this version: {error}") from None

    def call(self, method: str, path: str, document: Any = None) -> tuple[int, str]:
        """Call its admin API, with a document as JSON; return status and body. Raises Unreachable."""
        body = None if document is None else msgspec.json.encode(document)
        try:
            return self._answer(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"no answer: {error}") from None

    def _answer(self, method: str, path: str, body: bytes | None) -> tuple[int, str]:
        if self._settings is not None:
            return ask(self._settings, path, self._headers, method, body)
        url = f"{self._url}".rstrip("/") + path
        request = urllib.request.Request(url, body, self._headers, method=method)  # noqa: S310 - checked
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - checked
                return answer.status, answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode("utf-8", "replace")
