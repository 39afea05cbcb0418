"""What is done about what other nodes tell."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.fakes.exchange import settings_of

from sluicegate.notifications import Notifications, signatures_of
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.notices import (
    NOTHING_TO_DO,
    Notice,
    certificates_changed,
    client_changed,
    generation_changed,
    sign,
)

KEY = generate_private_key(65537, 2048)


class Heard:
    """Notifications, what they had done, and what they logged."""

    def __init__(self, **settings: Any) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.logged: list[tuple[str, str, dict[str, Any]]] = []
        own = settings_of({"node_secret": "secret", **settings})
        self.notifications = Notifications(
            MemoryBackend(),
            own.node_secret,
            signatures=signatures_of(own, self.log),
            log=self.log,
            on_keys=self.noting("keys"),
            on_reload=self.noting("reload"),
            on_cache=self.noting("cache"),
            on_purge=self.noting("purge"),
            on_generation=self.noting("generation"),
            on_certificates=self.noting("certificates"),
            on_client=self.noting("client"),
            on_gap=self.noting("gap"),
            on_server=self.noting("server"),
        )

    def log(self, level: str, message: str, **fields: Any) -> None:
        self.logged.append((level, message, fields))

    def noting(self, what: str) -> Callable[..., None]:
        return lambda *told: self.done.append((what, *told))

    def hear(self, command: str, payload: str = "") -> None:
        self.notifications.hear(sign(Notice(command, payload), "secret"))


@pytest.mark.parametrize(
    ("notice", "done"),
    [
        (Notice("KeySpaceUpdateNotification", "a,b"), ("keys", ["a", "b"])),
        (Notice("ApiUpdated"), ("reload",)),
        (Notice("OAuthPurgeLapsedTokens"), ("purge",)),
        (Notice("GroupReload", "whatever"), ("reload",)),
        (Notice("DeleteAPICache", "a1"), ("cache", "a1")),
        (Notice("NoticeGatewayDRLNotification", "{}"), ("server", "{}")),
        (generation_changed(7), ("generation",)),
        (generation_changed(7, for_tyk=True), ("generation",)),
        (certificates_changed(["a", "b"]), ("certificates", ["a", "b"])),
        (client_changed("oauth-data.a1.oauth-clientid.c,1"), ("client", "oauth-data.a1.oauth-clientid.c,1")),
    ],
)
def test_what_is_acted_upon(notice: Notice, done: tuple[Any, ...]) -> None:
    heard = Heard()
    heard.hear(notice.command, notice.payload)
    assert heard.done == [done]
    assert heard.logged == []


@pytest.mark.parametrize("command", sorted(NOTHING_TO_DO))
def test_where_there_is_nothing_to_do_one_line_says_so_to_who_looks_closely(command: str) -> None:
    heard = Heard()
    heard.hear(command, "old.new:UserKeyReset")
    assert heard.done == []
    [(level, message, fields)] = heard.logged
    assert (level, fields["command"]) == ("debug", command)
    assert message.startswith("Nothing to do: ")
    assert "old.new" not in str(heard.logged), "a payload may hold a key"


def test_an_unknown_command_is_said_and_cut() -> None:
    heard = Heard()
    heard.hear("x" * 1000)
    assert heard.done == []
    assert heard.logged == [("warning", "Unknown command", {"prefix": "pub-sub", "command": "x" * 100})]


def dashboards(payload: str, signed: str) -> bytes:
    signature = b64encode(KEY.sign(signed.encode(), PKCS1v15(), SHA256())).decode()
    message = {"command": "DeleteAPICache", "payload": payload, "signature": signature, "algorithm": 0}
    return json.dumps(message).encode()


def test_what_a_dashboard_has_signed_with_its_key(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    heard = Heard(public_key_path=str(file))
    heard.notifications.hear(dashboards("a1", "a1"))
    assert heard.done == [("cache", "a1")]
    heard.notifications.hear(dashboards("a2", "a1"))
    assert heard.done == [("cache", "a1")]
    assert [line[:2] for line in heard.logged] == [("error", "Payload signature is invalid!")]


def test_without_the_key_the_log_says_what_to_do() -> None:
    heard = Heard()
    heard.notifications.hear(dashboards("a1", "a1"))
    assert heard.done == []
    [(level, message, fields)] = heard.logged
    assert (level, message, fields["command"]) == ("error", "Payload signature is invalid!", "DeleteAPICache")
    assert "set public_key_path" in fields["error"]


def test_a_key_that_cannot_be_read_is_said_and_nothing_gets_in_by_it() -> None:
    heard = Heard(public_key_path="/nowhere.pem")
    assert [(line[0], "nowhere" in line[2]["error"]) for line in heard.logged] == [("error", True)]
    heard.notifications.hear(dashboards("a1", "a1"))
    assert heard.done == []


def test_noise_is_no_notice() -> None:
    heard = Heard()
    heard.notifications.hear(b"noise")
    assert heard.logged == [("error", "Payload signature is invalid!", {"prefix": "pub-sub", "error": "no notice"})]
