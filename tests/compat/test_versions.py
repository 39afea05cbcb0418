"""Versions of an API: where their name stands, and what is said when there is none (contract 02.4, 06.3)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.gateway import Gateway, api
from tests.upstreams import Upstream
from tests.wire import get

ENDED, AHEAD = "2001-01-01 00:00", "2090-01-01 10:00"
VERSIONS = {
    "not_versioned": False,
    "versions": {
        "v1": {"name": "v1"},
        "v2": {"name": "v2", "expires": AHEAD},
        "old": {"name": "old", "expires": ENDED},
    },
}


def versioned(name: str, url: str, **definition: object) -> dict[str, object]:
    made = api(f"/{name}/", url, definition={"key": "version", **definition})
    made["version_data"] = VERSIONS
    return made


UNVERSIONED = {
    "only": ["v1"],
    "named": ["v1", "default"],
    "unnamed": ["v1", ""],
    "several": ["v1", "v2"],
    "none": [],
    "ambiguous": ["Default", "default"],
    "doubtful": ["v1", "Default", ""],
}


ENDING: dict[str, dict[str, object]] = {
    "ends": {"expiration": AHEAD},
    "only-ends": {"version_data": {"versions": {"Default": {"expires": AHEAD}}}},
    "only-ended": {"version_data": {"versions": {"Default": {"expires": ENDED}}}},
    "only-odd": {"version_data": {"versions": {"Default": {"expires": "some day"}}}},
    "both": {"expiration": AHEAD, "version_data": {"versions": {"Default": {"expires": "2100-01-01 00:00"}}}},
}


def unversioned(name: str, url: str, *versions: str) -> dict[str, object]:
    made = api(f"/{name}/", url)
    made["version_data"] = {"not_versioned": True, "versions": {version: {"name": version} for version in versions}}
    return made


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Gateway]:
    apis = [
        versioned("header", upstream.url, location="header"),
        versioned("query", upstream.url, location="url-param", strip_versioning_data=True),
        versioned("path", upstream.url, location="url"),
        versioned("default", upstream.url, location="header"),
        versioned("stripped", upstream.url, location="url", strip_versioning_data=True),
        api(
            "/base/",
            f"{upstream.url}/base",
            definition={
                "enabled": True,
                "name": "v1",
                "default": "v1",
                "location": "header",
                "key": "version",
                "versions": {"v2": "child", "gone": "nowhere"},
            },
        ),
        api("/child/", f"{upstream.url}/child", internal=True),
    ]
    apis += [api(f"/{name}/", upstream.url, **more) for name, more in ENDING.items()]
    apis.append(
        api("/parent/", upstream.url, definition={"enabled": True, "key": "version", "versions": {"v2": "only-ends"}})
    )
    base = apis[5]["definition"]
    assert isinstance(base, dict)
    apis.append(api("/silent/", upstream.url, definition=base | {"strip_versioning_data": True}))
    apis += [unversioned(name, upstream.url, *versions) for name, versions in UNVERSIONED.items()]
    apis[3]["version_data"] = VERSIONS | {"default_version": "v1"}
    with Gateway(tmp_path_factory.mktemp("versions"), apis=apis, conf={"version_header": "x-got"}) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "version", "target"),
    [
        ("/header/x", "v1", "/x"),
        ("/query/x?a=1&version=v1&b=2", "", "/x?a=1&b=2"),
        ("/path/v1/x", "", "/v1/x"),
        ("/stripped/v1/x", "", "/x"),
        ("/base/x", "", "/base/x"),
        ("/base/x", "v1", "/base/x"),
        ("/base/x", "v2", "/child/x"),
    ],
)
def test_the_upstream_gets(gateway: Gateway, path: str, version: str, target: str) -> None:
    answer = gateway.ask(get(path, *([f"Version: {version}"] if version else [])))
    assert answer.status == 200, answer
    assert json.loads(answer.body)["target"] == target


@pytest.mark.parametrize("version", ["v1", "self", "v2"])
def test_the_upstream_does_not_hear_of_a_version_that_is_stripped(gateway: Gateway, version: str) -> None:
    answer = gateway.ask(get("/silent/x", f"Version: {version}", "Other: 1"))
    assert answer.status == 200, answer
    assert b"other" in answer.body
    assert b"version" not in answer.body


@pytest.mark.parametrize(
    ("path", "version", "status", "says"),
    [
        ("/header/x", "", 403, b"Version information not found"),
        ("/header/x", "v9", 403, b"This API version does not seem to exist"),
        ("/header/x", "old", 403, b"Api Version has expired"),
        ("/path/", "", 403, b"Version information not found"),
        ("/base/x", "v9", 404, b"This API version does not seem to exist"),
        ("/base/x", "gone", 404, b"This API version does not seem to exist"),
        ("/child/x", "", 404, b"Not Found"),
    ],
)
def test_there_is_none(gateway: Gateway, path: str, version: str, status: int, says: bytes) -> None:
    answer = gateway.ask(get(path, *([f"Version: {version}"] if version else [])))
    assert (answer.status, says in answer.body) == (status, True), answer


def test_an_end_ahead_is_announced(gateway: Gateway) -> None:
    assert gateway.ask(get("/header/", "Version: v2")).get(b"x-tyk-api-expires") == b"Sun, 01 Jan 2090 10:00:00 UTC"
    assert gateway.ask(get("/header/", "Version: v1")).get(b"x-tyk-api-expires") is None


@pytest.mark.parametrize(
    ("path", "told"),
    [("/ends/", True), ("/only-ends/", True), ("/only-ended/", False), ("/only-odd/", False), ("/both/", True)],
)
def test_an_end_ahead_is_announced_where_there_is_but_one(gateway: Gateway, path: str, told: bool) -> None:
    """The end of an only version is announced, and has no other effect."""
    answer = gateway.ask(get(path))
    assert answer.status == 200, answer
    assert answer.all(b"x-tyk-api-expires") == ([b"Sun, 01 Jan 2090 10:00:00 UTC"] if told else [])


def test_the_end_of_a_child_is_announced(gateway: Gateway) -> None:
    answer = gateway.ask(get("/parent/", "Version: v2"))
    assert (answer.status, answer.all(b"x-tyk-api-expires")) == (200, [b"Sun, 01 Jan 2090 10:00:00 UTC"])


def test_who_asks_for_none_is_told_what_was_chosen(gateway: Gateway) -> None:
    assert gateway.ask(get("/default/")).get(b"x-got") == b"v1"
    assert gateway.ask(get("/default/", "Version: v1")).get(b"x-got") is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        *((name, "") for name in ("only", "named", "unnamed")),
        *((name, "No default API version for this non-versioned API found") for name in ("several", "none")),
        *((name, "Ambiguous default API version for this non-versioned API") for name in ("ambiguous", "doubtful")),
    ],
)
def test_which_version_counts_where_there_is_but_one(gateway: Gateway, name: str, said: str) -> None:
    answer = gateway.ask(get(f"/{name}/x"))
    assert answer.status == (403 if said else 200)
    assert json.loads(answer.body).get("error", "") == said
