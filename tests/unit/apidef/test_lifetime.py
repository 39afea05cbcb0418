"""How long a session is stored (contract 03.5)."""

import pytest
from msgspec.structs import replace

from sluicegate.apidef import lifetime
from sluicegate.apidef.classic import APIDefinition
from sluicegate.apidef.lifetime import session_ttl_s
from sluicegate.apidef.session import Session
from sluicegate.settings.model import Settings

NOW = 1_900_000_000
LIVES_60 = APIDefinition(session_lifetime=60)
RESPECTS = APIDefinition(session_lifetime=60, session_lifetime_respects_key_expiration=True)


@pytest.mark.parametrize(
    ("session", "apis", "ttl_s"),
    [
        (Session(), [], 0),
        (Session(), [APIDefinition()], 0),
        (Session(session_lifetime=5), [LIVES_60], 5),
        (Session(), [LIVES_60, APIDefinition(session_lifetime=90)], 90),
        (Session(expires=NOW + 100), [LIVES_60], 60),
        (Session(expires=NOW + 100), [RESPECTS], 100),
        (Session(expires=NOW + 10), [RESPECTS], 60),
        (Session(expires=0), [RESPECTS], 0),
        (Session(expires=-1), [RESPECTS, LIVES_60], -1),
        (Session(post_expiry_action="delete", expires=NOW + 100), [LIVES_60], 100),
        (Session(post_expiry_action="delete", expires=NOW - 100), [], 1),
        (Session(post_expiry_action="retain", post_expiry_grace_period=50, expires=NOW + 100), [], 150),
        (Session(post_expiry_action="retain", post_expiry_grace_period=-1, expires=NOW + 100), [], -1),
        (Session(post_expiry_action="retain", post_expiry_grace_period=50), [], 0),
        (Session(post_expiry_action="retain"), [LIVES_60], 60),
    ],
)
def test_ttl(session: Session, apis: list[APIDefinition], ttl_s: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifetime, "now", lambda: float(NOW))
    assert session_ttl_s(session, apis, Settings()) == ttl_s


def test_the_global_lifetime_can_be_forced() -> None:
    settings = replace(Settings(), force_global_session_lifetime=True, global_session_lifetime=7)
    assert session_ttl_s(Session(session_lifetime=5), [LIVES_60], settings) == 7
