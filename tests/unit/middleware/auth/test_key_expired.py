"""Keys that no longer hold: contract 06.4 #18."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version, session_of

from sluicegate.middleware.auth.key_expired import EXPIRED, INACTIVE, NO_SESSION, KeyExpired


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (None, NO_SESSION),
        (session_of(), None),
        (session_of(is_inactive=True), INACTIVE),
        (session_of(expires=1), EXPIRED),
        (session_of(expires=-1), None),
        (session_of(expires=int(time.time()) + 86_400), None),
    ],
)
def test_sessions(session: Any, expected: Any) -> None:
    step = KeyExpired.from_definition(make_api(), make_version(), make_services())
    assert step is not None
    assert step.on_request(make_exchange(session=session)) == expected


def test_open_apis_have_no_keys() -> None:
    assert KeyExpired.from_definition(make_api(use_keyless=True), make_version(), make_services()) is None
