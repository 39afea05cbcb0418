"""Messages between nodes, as Tyk writes them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.store.notice_signatures import Signatures
from sluicegate.store.notices import NOTHING_TO_DO, UNSIGNED, Notice, NotOurs, keys_changed, read_notice, sign

OURS = Signatures("secret")


def test_a_notice_has_tyks_form_and_signature():
    message = json.loads(sign(Notice("GroupReload"), "352d20ee67be67f6340b4c0605b044b7"))
    assert message == {
        "command": "GroupReload",
        "payload": "",
        "signature": "95984d24888960e2cb55c1358a67872b45946c1a0eeccee16d681baf2396fc02",
        "algorithm": 5,
    }


def test_what_was_signed_is_heard():
    message = sign(keys_changed(["a", "b"]), "secret")
    assert read_notice(message, OURS).keys() == ["a", "b"]
    trusting = Signatures("other", trusting=True)
    assert read_notice(message, trusting) == Notice("KeySpaceUpdateNotification", "a,b")


@pytest.mark.parametrize(
    ("old", "new", "secret"), [(b"", b"", "other"), (b'"a,b"', b'"a,c"', "secret"), (b":5", b":0", "secret")]
)
def test_nothing_else_is(old, new, secret):
    message = sign(keys_changed(["a", "b"]), "secret").replace(old, new, 1)
    with pytest.raises(NotOurs) as refused:
        read_notice(message, Signatures(secret))
    assert refused.value.command == "KeySpaceUpdateNotification"
    assert refused.value.fault


@pytest.mark.parametrize("command", sorted(NOTHING_TO_DO))
def test_commands_that_need_nothing_done_have_to_be_signed_too(command):
    message = json.dumps({"command": command, "payload": "{}", "signature": "", "algorithm": 0}).encode()
    if command in UNSIGNED:
        assert read_notice(message, OURS).command == command
    else:
        with pytest.raises(NotOurs):
            read_notice(message, OURS)
    assert read_notice(sign(Notice(command, "{}"), "secret"), OURS).command == command


def test_what_tyk_hangs_on_names_is_taken_off():
    assert Notice("KeySpaceUpdateNotification", "a:resetQuota,b,").keys() == ["a", "b"]


@pytest.mark.parametrize("junk", [b"", b"[]", b'{"command":1}', b"\xff", b"null"])
def test_junk_is_nothing(junk):
    with pytest.raises(NotOurs) as refused:
        read_notice(junk, Signatures("", trusting=True))
    assert refused.value.command == ""


@given(st.text(alphabet=st.characters(exclude_categories=())), st.text())
def test_any_payload_survives(payload, secret):
    assert read_notice(sign(Notice("x", payload), secret), Signatures(secret)) is not None
