"""Who a notice is from: the secret of all nodes, or a Dashboard's key."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sluicegate.errors import ConfigError
from sluicegate.store.notice_signatures import Signatures, read_public_key, signature_of

KEY = rsa.generate_private_key(65537, 2048)
SIGNED = b64encode(KEY.sign(b"payload", PKCS1v15(), SHA256())).decode()
ASKED = ("GroupReload", "payload")


def test_the_secret_that_all_nodes_share() -> None:
    ours = Signatures("secret")
    assert ours.fault(*ASKED, signature_of(*ASKED, "secret"), 5) == ""
    for wrong in (signature_of(*ASKED, "other"), "", "\ud800", SIGNED):
        assert "node_secret" in ours.fault(*ASKED, wrong, 5)


@pytest.mark.parametrize("algorithm", [0, 1, -7])
def test_a_dashboards_key(algorithm: int) -> None:
    known = Signatures("secret", public_key=KEY.public_key())
    assert known.fault(*ASKED, SIGNED, algorithm) == ""
    for command, payload, signature in (("GroupReload", "other", SIGNED), (*ASKED, "bm8="), (*ASKED, "no base64")):
        assert "another key" in known.fault(command, payload, signature, algorithm)
    assert "set public_key_path" in Signatures("secret").fault(*ASKED, SIGNED, algorithm)


def test_a_key_does_not_stand_for_the_secret() -> None:
    known = Signatures("secret", public_key=KEY.public_key())
    assert known.fault(*ASKED, SIGNED, 5)
    assert known.fault(*ASKED, signature_of(*ASKED, "secret"), 0)


def test_signatures_that_are_not_looked_at() -> None:
    assert Signatures("secret", trusting=True).fault(*ASKED, "", 0) == ""


def test_the_key_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    read = read_public_key(str(file))
    assert read is not None and read.public_numbers() == KEY.public_key().public_numbers()
    assert read_public_key("") is None


@pytest.mark.parametrize("content", [None, b"junk", "ec"])
def test_a_file_that_holds_no_such_key(tmp_path: Path, content: bytes | str | None) -> None:
    file = tmp_path / "key.pem"
    if content == "ec":
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        content = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if isinstance(content, bytes):
        file.write_bytes(content)
    with pytest.raises(ConfigError, match="public_key_path"):
        read_public_key(str(file))
