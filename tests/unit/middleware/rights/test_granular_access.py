"""Rights to single paths: contract 06.4 #20."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version, session_of

from sluicegate.middleware.rights import granular_access
from sluicegate.middleware.rights.granular_access import NOT_LISTED, GranularAccess

API = make_api(proxy={"listen_path": "/test/"})
PREFIX = {"http_server_options": {"enable_path_prefix_matching": True}}
BOTH = {"http_server_options": {"enable_path_prefix_matching": True, "enable_path_suffix_matching": True}}


def ask(
    allowed: list[tuple[str, list[str]]], target: str, method: str = "GET", settings: dict[str, Any] | None = None
) -> Any:
    step = GranularAccess.from_definition(API, make_version(), make_services(settings))
    assert step is not None
    urls = [{"url": url, "methods": methods} for url, methods in allowed]
    session = session_of(access_rights={"a1": {"allowed_urls": urls}})
    return step.on_request(make_exchange(target, method, api=API, session=session))


def test_open_apis_ask_for_no_rights() -> None:
    assert GranularAccess.from_definition(make_api(use_keyless=True), make_version(), make_services()) is None


def test_without_a_list_every_path_is_open() -> None:
    assert ask([], "/test/x") is None
    step = GranularAccess.from_definition(API, make_version(), make_services())
    assert step is not None and step.on_request(make_exchange(api=API, session=session_of())) is None


@pytest.mark.parametrize(
    ("url", "target", "settings", "expected"),
    [
        ("^/test/valid", "/test/valid_path", None, None),
        ("^/valid", "/test/valid_path", None, NOT_LISTED),
        ("/valid", "/test/in/valid_path", None, None),
        ("/a/{id}", "/test/a/1", None, NOT_LISTED),  # not a path pattern here
        ("/a/[0-9]+$", "/test/a/1", None, None),
        ("/valid", "/test/valid_path", PREFIX, None),
        ("/valid", "/test/in/valid_path", PREFIX, NOT_LISTED),
        ("/test/valid", "/test/valid_path", PREFIX, None),
        ("/a/{id}", "/test/a/1/more", PREFIX, None),
        ("/a/{id}", "/test/a/1/more", BOTH, NOT_LISTED),
        ("(?=broken", "/test/x", None, NOT_LISTED),
    ],
)
def test_patterns(url: str, target: str, settings: dict[str, Any] | None, expected: Any) -> None:
    assert ask([(url, ["GET"])], target, settings=settings) == expected


def test_methods_are_listed_exactly() -> None:
    allowed = [("/x", ["GET"]), ("/x", ["put"]), ("/x", [])]
    assert ask(allowed, "/test/x") is None
    assert ask(allowed, "/test/x", "POST") is NOT_LISTED
    assert ask(allowed, "/test/x", "PUT") is NOT_LISTED


def test_keys_cannot_make_the_memory_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(granular_access, "REMEMBERED_PATTERNS", 10)
    step = GranularAccess.from_definition(API, make_version(), make_services())
    assert step is not None
    urls = [{"url": f"/p{number}$", "methods": ["GET"]} for number in range(100)]
    session = session_of(access_rights={"a1": {"allowed_urls": urls}})
    assert step.on_request(make_exchange("/test/p99", api=API, session=session)) is None
    assert len(step._questions) <= 10
