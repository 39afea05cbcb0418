"""What limits a key on an API: contract 07.1, 07.9."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.exchange import make_services, session_of

from sluicegate.chain.key_plan import Planner

SMOOTHING = {"enabled": True, "threshold": 2, "trigger": 0.5, "step": 1, "delay": 30}


@pytest.mark.parametrize(
    ("of_api", "threshold"),
    [(None, 2), ({**SMOOTHING, "threshold": 3}, 3), ({**SMOOTHING, "enabled": False}, 2), ({"enabled": True}, 2)],
)
def test_smoothing_of_the_api_comes_first_if_there_is_something_to_go_by(of_api: Any, threshold: int) -> None:
    limit = {"rate": 5, "per": 100, "smoothing": of_api}
    session = session_of(smoothing=SMOOTHING, access_rights={"a1": {"limit": limit}})
    plan = Planner("a1", True, True, make_services().settings).plan(session, "k")
    assert plan.smoothing is not None
    assert plan.smoothing.threshold == threshold
