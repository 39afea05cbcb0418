"""A record that is cast in its head's mould is the one that would have been built."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.exchange import session_of, settings_of
from tests.unit.analytics.exchanges import REFUSED, TOOK_S, over

from sluicegate.analytics.capture import Reader, capture
from sluicegate.analytics.record import RecordBuilder
from sluicegate.chain.exchange import Exchange
from sluicegate.upstream.target import parse_target

FIRST = over(key_hash="1", session=session_of(alias="first"))


def again(**changes: Any) -> Exchange:
    """Return an exchange with the head of the first one, by the same key, to the same target, but for some changes."""
    exchange = over(key_hash=FIRST.key_hash, session=FIRST.session)
    exchange.request, exchange.route, exchange.target = FIRST.request, FIRST.route, FIRST.target
    for name, value in changes.items():
        setattr(exchange, name, value)
    return exchange


def builder_of(*, keeps_moulds: bool = True) -> RecordBuilder:
    return RecordBuilder(settings_of({"hash_keys": True}), Reader(0), keeps_moulds=keeps_moulds)


@pytest.fixture
def builder() -> RecordBuilder:
    """A builder that has met the head."""
    FIRST.request.mould = None
    builder = builder_of()
    assert builder.build(capture(FIRST, *TOOK_S)) is not None
    return builder


@pytest.mark.parametrize(
    ("changes", "took_s"),
    [
        ({}, TOOK_S),
        ({}, (70_000.25, 65_000.125)),
        ({"status": 503}, (0.0004, 0.0)),
        ({"started_s": FIRST.started_s + 86_400.999_999_9}, TOOK_S),
        ({"started_s": 1.0}, (0.0, 0.0)),
    ],
)
def test_a_cast_is_what_would_have_been_built(
    builder: RecordBuilder, changes: dict[str, Any], took_s: tuple[float, float]
) -> None:
    exchange = again(**changes)
    mould = exchange.request.mould
    assert mould.fits(exchange)
    built = builder_of(keeps_moulds=False).build(capture(exchange, *took_s))
    assert builder.cast((mould, exchange.status, exchange.started_s, *took_s)) == built


@pytest.mark.parametrize(
    "changes",
    [
        {"session": session_of(alias="second")},
        {"key_hash": "2"},
        {"version_name": "v2"},
        {"target": parse_target("http://other.test/")},
        {"target": None},
        {"route": over().route},
        {"url": b"/elsewhere"},
        {"rejection": REFUSED},
        {"tags": ("cached-response",)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_request_does_not_fit(builder: RecordBuilder, changes: dict[str, Any]) -> None:
    assert not FIRST.request.mould.fits(again(**changes))


@pytest.mark.parametrize(
    "first",
    [
        over(target=None),
        over(url=b"/elsewhere"),
        over(tags=("cached-response",)),
        over(rejection=REFUSED),
        over(api={"tag_headers": ["X-Tag"]}),
        over(tracked=False),
    ],
)
def test_no_mould_is_kept_of_what_may_be_another_the_next_time(first: Exchange) -> None:
    builder_of().build(capture(first, *TOOK_S))
    assert first.request.mould is None


def test_a_recorder_that_writes_lines_keeps_none() -> None:
    FIRST.request.mould = None
    builder_of(keeps_moulds=False).build(capture(FIRST, *TOOK_S))
    assert FIRST.request.mould is None
