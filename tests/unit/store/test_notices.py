"""Messages between nodes, signed as Tyk signs them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.store.notices import Notice, keys_changed, sign, verify


def test_a_notice_has_tyks_form_and_signature():
    message = json.loads(sign(Notice("GroupReload"), "352d20ee67be67f6340b4c0605b044b7"))
    assert message == {
        "command": "GroupReload",
        "payload": "",
        "signature": "95984d24888960e2cb55c1358a67872b45946c1a0eeccee16d681baf2396fc02",
        "algorithm": 5,
    }


def test_what_was_signed_is_heard_and_nothing_else():
    message = sign(keys_changed(["a", "b"]), "secret")
    assert verify(message, "secret").keys() == ["a", "b"]
    assert verify(message, "other") is None
    assert verify(message.replace(b'"a,b"', b'"a,c"'), "secret") is None
    assert verify(message.replace(b":5", b":0"), "secret") is None
    assert verify(message, "other", trusting=True) == Notice("KeySpaceUpdateNotification", "a,b")


def test_what_tyk_hangs_on_names_is_taken_off():
    assert Notice("KeySpaceUpdateNotification", "a:resetQuota,b,").keys() == ["a", "b"]


@pytest.mark.parametrize("junk", [b"", b"[]", b'{"command":1}', b"\xff", b"null"])
def test_junk_is_nothing(junk):
    assert verify(junk, "", trusting=True) is None


@given(st.text(alphabet=st.characters(exclude_categories=())), st.text())
def test_any_payload_survives(payload, secret):
    assert verify(sign(Notice("x", payload), secret), secret) is not None
