"""What `sluicegate verify` puts into a cluster that is there, and takes out again: one API, and keys for it.

The API answers by itself, so no service of anybody's is asked; it wants a key, and no records are made of it. Its keys
end by themselves. There is one at a time: it lies under a fixed name, so what was left by a `verify` that was killed is
found by the next one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from sluicegate.cli.cluster_store import author
from sluicegate.cli.demo.processes import signals_held
from sluicegate.cli.verify.report import wait
from sluicegate.cli.verify.target import Answered, Target, look
from sluicegate.errors import ConfigError

API_ID = "sluicegate-verify"
PATH = f"/{API_ID}/version"
NOTE = "sluicegate verify"
KEY_LIFE_S = 3600
LONGEST_RUN = timedelta(hours=1)
REMOVE_LIMIT_S = 60.0
GONE = frozenset({404})
UNLIMITED = {"rate": -1, "per": -1, "quota_max": -1}


class Specimen:
    """The API and the keys.

    version: what the API answers; each write is a new one.
    key:     one without limits, for the traffic.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._since = datetime.now(UTC)
        self.version, self.key = 0, ""
        self._keys: list[str] = []
        self._is_written = False

    def check_alone(self) -> None:
        """Raise ConfigError when somebody else tries this cluster just now; what was left behind long ago may go."""
        try:
            found = self._target.call("GET", f"/tyk/apis/oas/{API_ID}")
        except Answered as answered:
            if answered.code in GONE:
                return
            raise
        text = str(found.get("info", {}).get("description", ""))
        with suppress(ValueError):
            if datetime.now(UTC) - datetime.fromisoformat(text.partition(" ")[0]) > LONGEST_RUN:
                return
        hint = f"wait for it; if it was killed, DELETE /tyk/apis/{API_ID}"
        raise ConfigError("verify", f"another one tries this cluster, since {text}", hint)

    def write(self) -> int:
        """Put the API into the cluster, or change it; return its new version. Raises OSError."""
        self.version += 1
        was_written, self._is_written = self._is_written, True
        change = {"kind": "api", "id": API_ID, "document": self._document()}
        try:
            self._target.call("POST", "/tyk/cluster/apply", {"changes": [change], "note": NOTE})
        except Answered as answered:
            if answered.code < 500:  # refused; after another answer, or none, it may have been written
                self._is_written = was_written
            raise
        return self.version

    def make_key(self, limits: Mapping[str, Any]) -> str:
        """Make a key to the API, with limits. Raises OSError."""
        rights = {API_ID: {"api_id": API_ID, "api_name": API_ID, "versions": ["Default"]}}
        life = {"expires": int(time.time()) + KEY_LIFE_S, "post_expiry_action": "delete"}
        with signals_held():  # until its name is known, so that it can be removed
            made = self._target.call("POST", "/tyk/keys", {"access_rights": rights, **life, **limits})
            self._keys.append(str(made["key"]))
        return self._keys[-1]

    def remove_key(self, key: str) -> None:
        """Remove a key. Raises OSError."""
        self._target.call("DELETE", f"/tyk/keys/{key}")
        self._keys.remove(key)

    def served(self, url: str) -> int:
        """Return the version that a place answers; 0 if none. Raises OSError."""
        status, text = look(url, PATH, self.key)
        with suppress(ValueError, TypeError, KeyError):
            return int(json.loads(text)["version"]) if status == 200 else 0
        return 0

    def remove(self) -> None:
        """Take everything out of the cluster; a signal waits until it is. Raises Failed, which says what is left."""
        with signals_held():
            wait(self._is_removed, REMOVE_LIMIT_S, f"it cannot be removed: DELETE /tyk/apis/{API_ID} by hand")

    def _is_removed(self) -> bool:
        with suppress(OSError):
            for key in list(self._keys):
                self._forget_key(key)
            if self._is_written:
                change = {"kind": "api", "id": API_ID, "action": "delete"}
                self._target.call("POST", "/tyk/cluster/apply", {"changes": [change], "note": NOTE})
            self._is_written = False
            return True
        return False

    def _forget_key(self, key: str) -> None:
        try:
            self.remove_key(key)
        except Answered as answered:
            if answered.code not in GONE:
                raise
            self._keys.remove(key)

    def _document(self) -> dict[str, Any]:
        body = json.dumps({"version": self.version})
        return {
            "openapi": "3.0.3",
            "info": {"title": API_ID, "version": "1", "description": f"{self._since:%FT%TZ} by {author()}"},
            "paths": {"/version": {"get": {"operationId": "version", "responses": {"200": {"description": "it"}}}}},
            "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "Authorization"}}},
            "security": [{"key": []}],
            "x-tyk-api-gateway": {
                "info": {"id": API_ID, "name": API_ID, "state": {"active": True}},
                "server": {
                    "listenPath": {"value": f"/{API_ID}/", "strip": True},
                    "authentication": {"enabled": True, "securitySchemes": {"key": {"enabled": True}}},
                },
                "upstream": {"url": "http://127.0.0.1:9/"},
                "middleware": {
                    "operations": {"version": {"mockResponse": {"enabled": True, "code": 200, "body": body}}}
                },
            },
        }
