"""A cluster that runs somewhere, by the admin APIs of its nodes."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sluicegate.cli.cluster import Source, Unreachable
from sluicegate.cluster.members import DRAINING, LOST, Report
from sluicegate.cluster.status import Status
from sluicegate.errors import ConfigError

LOOK_LIMIT_S = 2.0


class Target:
    """The cluster. Raises ConfigError for what cannot be the address of one.

    urls: admin APIs of nodes, separated by commas; None: of the node that `conf` describes. Several are all nodes that
          there are, and take traffic too; with one, the nodes are where they say themselves.
    """

    def __init__(self, urls: str | None, secret: str | None, conf: Path | None) -> None:
        self._named = [url.strip().rstrip("/") for url in (urls or "").split(",") if url.strip()]
        if urls is not None and not self._named:
            raise ConfigError("--url", "no node is named", "write --url http://host:port")
        self._sources = [Source(url, secret, conf) for url in self._named] or [Source(None, secret, conf)]
        self._secret, self._conf = secret, conf

    def status(self) -> Status:
        """Return how the cluster is, as the first node says it that says anything. Raises OSError."""
        problem = ""
        for source in self._sources:
            try:
                return source.status()
            except Unreachable as error:
                problem = problem or str(error)
        raise OSError(problem)

    def statuses(self) -> list[Status]:
        """Return how the cluster is, as each of the nodes that were named says it. Raises OSError."""
        try:
            return [source.status() for source in self._sources]
        except Unreachable as error:
            raise OSError(str(error)) from None

    def call(self, method: str, path: str, document: Any = None) -> Any:
        """Call the admin API of the first node that answers, and return what it says. Raises OSError, with that.

        What is called may have been done by a node that then gave no answer, so it has to bear being done twice.
        """
        problem = ""
        for source in self._sources:
            try:
                code, text = source.call(method, path, document)
            except Unreachable as error:
                problem = problem or str(error)
                continue
            if code >= 300:
                raise Answered(code, f"{method} {path}: {code} {' '.join(text.split())[:200]}")
            return json.loads(text)
        raise OSError(problem)

    def find_others(self, reports: Sequence[Report]) -> None:
        """Remember the others whose admin API is at the port for traffic, to be asked when the named node is gone."""
        if len(self._named) > 1:
            return
        for one in reports:
            with suppress(ConfigError, Unreachable):
                source = Source(one.address, self._secret, self._conf)
                source.status()
                self._sources.append(source)

    def places(self, reports: Sequence[Report]) -> list[str]:
        """Return the URLs of the nodes' ports for traffic."""
        return self._named if len(self._named) > 1 else [one.address for one in reports if is_there(one)]


class Answered(OSError):
    """The admin API has refused something. code: the status of its answer."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def is_there(report: Report) -> bool:
    """Return whether a node may have traffic."""
    return report.state not in (LOST, DRAINING)


def look(url: str, path: str, key: str) -> tuple[int, str]:
    """Make one request, with a key; return status and body. Raises OSError."""
    place = urlsplit(url)
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    connection = kind(place.hostname or "", place.port, timeout=LOOK_LIMIT_S)
    try:
        connection.request("GET", path, headers={"Authorization": key})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except http.client.HTTPException as error:
        raise OSError(f"{type(error).__name__}: {error}") from None
    finally:
        connection.close()
