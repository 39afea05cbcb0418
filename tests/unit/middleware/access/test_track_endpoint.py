"""How a request is to be recorded."""

from __future__ import annotations

from typing import Any

from tests.fakes.exchange import make_api, make_exchange, make_services, make_version

from sluicegate.middleware.access.track_endpoint import TrackEndpoint

ON = {"enable_analytics": True}
PATHS = {
    "track_endpoints": [{"path": "/users/{id}", "method": "GET"}, {"path": "/off", "method": "GET", "disabled": True}],
    "do_not_track_endpoints": [{"path": "/ping", "method": "GET"}],
}


def step(
    settings: dict[str, Any] | None = None, paths: dict[str, Any] | None = None, **api: Any
) -> TrackEndpoint | None:
    version = make_version(extended_paths=PATHS if paths is None else paths)
    return TrackEndpoint.from_definition(make_api(**api), version, make_services(ON if settings is None else settings))


def test_marks_are_made_where_records_are() -> None:
    assert step() is not None
    assert step({}) is None and step(do_not_track=True) is None and step(paths={}) is None
    assert (
        TrackEndpoint.from_definition(
            make_api(), make_version(use_extended_paths=False, extended_paths=PATHS), make_services(ON)
        )
        is None
    )


def test_tracked_under_the_pattern_or_not_at_all() -> None:
    track = step()
    assert track is not None
    seen = {}
    for target in ("/users/7", "/ping", "/other", "/off"):
        exchange = make_exchange(target)
        track.on_request(exchange)
        seen[target] = (exchange.tracked_path, exchange.tracked)
    assert seen == {
        "/users/7": ("/users/{id}", True),
        "/ping": ("", False),
        "/other": ("", True),
        "/off": ("", True),
    }
