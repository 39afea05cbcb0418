"""`tyk://` loops: a request goes on in another chain of the same node, body and all, but not for ever."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.gateway import KEYED, Gateway, api, paths
from tests.upstreams import Upstream
from tests.wire import Message, Wire, chunked, get, request


def rewriting(pattern: str, to: str, method: str = "GET") -> dict[str, Any]:
    return {"path": pattern, "match_pattern": pattern, "method": method, "rewrite_to": to}


def by_payload(pattern: str, to: str) -> dict[str, Any]:
    return {"on": "all", "options": {"payload_matches": {"match_rx": pattern}}, "rewrite_to": to}


def version_of(api_id: str) -> dict[str, Any]:
    return {"enabled": True, "name": "own", "location": "header", "key": "version", "versions": {"next": api_id}}


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    rewrites = [
        rewriting("/again", "tyk://self/plain?from=again"),
        rewriting("/ever", "tyk://self/ever"),
        rewriting("/twice", "tyk://self/ever?loop_limit=2"),
        *(rewriting(f"/hop{hop}$", f"tyk://self/hop{hop - 1}") for hop in range(1, 9)),
        rewriting("/once", "tyk://self/hop2?loop_limit=1"),
        rewriting("/first-counts", "tyk://self/anew?loop_limit=2"),
        rewriting("/anew", "tyk://self/hop3?loop_limit=50"),
        rewriting("/deep", "tyk://self/deep?loop_limit=100000"),
        rewriting("/as-post", "tyk://self/plain?method=post&kept=1"),
        rewriting("/as-get", "tyk://self/plain?method=get", "HEAD"),
        rewriting("/other", "tyk://other/there"),
        rewriting("/by-name", "tyk://the-other-one/there"),
        rewriting("/unstripped", "tyk://unstripped/there?q=1"),
        rewriting("/named", "tyk://unstripped/unstripped/there"),
        rewriting("/nowhere", "tyk://nowhere/there"),
        rewriting("/body", "tyk://self/plain", "POST"),
        rewriting("/limited", "tyk://limited/x"),
        rewriting("/carried(.*)", "tyk://self/plain$1"),
        rewriting("/checked", "tyk://limited/x?check_limits=true"),
    ]
    fences = {
        "white_list": [{"path": "/calls", "method": "POST"}],
        "internal": [{"path": "/stop", "method": "POST"}, {"path": "/state", "method": "GET"}],
    }
    into_action = rewriting("/calls", "/calls", "POST") | {
        "triggers": [by_payload("stop", "tyk://self/stop"), by_payload("state", "tyk://self/state?method=GET")]
    }
    cors = {"enable": True, "allowed_origins": ["http://site.test"], "allow_credentials": True}
    by_header = {"location": "header", "key": "version"}
    versions = {"not_versioned": False, "versions": {"Default": {}, "one": {}, "two": {}}}
    versions["versions"]["one"] = paths(url_rewrites=[rewriting("/go", "tyk://self/plain")])["versions"]["Default"]
    apis = [
        api("/a/", upstream.url, version_data=paths(url_rewrites=rewrites)),
        api("/other/", upstream.url + "/base", name="The other one", internal=True),
        api("/unstripped/", upstream.url, proxy={"strip_listen_path": False}),
        api("/front/", "tyk://other"),
        api("/door/", "tyk://unstripped"),
        api("/before-limits/", "tyk://counted"),
        api("/counted/", upstream.url, global_rate_limit={"rate": 1, "per": 100}),
        api("/ring/", "tyk://ring"),
        api("/lost/", "tyk://nowhere/base"),
        api("/keyed/", upstream.url, definition=by_header, version_data=versions, **KEYED),
        api("/cors/", upstream.url, CORS=cors, version_data=paths(url_rewrites=[rewriting("/go", "tyk://self/plain")])),
        api("/cors-door/", "tyk://cors", CORS=cors | {"allowed_origins": ["*"]}),
        api("/egg/", upstream.url, definition=version_of("hen")),
        api("/hen/", upstream.url, definition=version_of("egg")),
        api("/limited/", upstream.url, global_rate_limit={"rate": 1, "per": 100}),
        api("/fenced/", upstream.url, version_data=paths(url_rewrites=[into_action], **fences)),
    ]
    with Gateway(tmp_path_factory.mktemp("gateway"), apis=apis) as one:
        yield one


def told(message: Message) -> dict[str, Any]:
    assert message.status == 200, message
    found: dict[str, Any] = json.loads(message.body)
    return found


def error(message: Message) -> tuple[int, str]:
    return message.status, json.loads(message.body.replace(b"\\'", b"'"))["error"]


def test_into_the_same_api(client: Wire) -> None:
    assert told(client.ask(get("/a/again?q=1")))["target"] == "/plain?from=again"


@pytest.mark.parametrize("path", ["/a/other", "/a/by-name", "/front/there"])
def test_into_another_api(client: Wire, path: str) -> None:
    assert told(client.ask(get(path)))["target"] == "/base/there"


@pytest.mark.parametrize(
    ("path", "target"),
    [("/a/unstripped", "/there?q=1"), ("/a/named", "/unstripped/there"), ("/door/there", "/there")],
)
def test_a_loop_says_the_whole_path(client: Wire, path: str, target: str) -> None:
    """The other API's listen path is in it if the URL says so, and not otherwise."""
    assert told(client.ask(get(path)))["target"] == target


def test_internal_apis_are_reached_by_loops_only(client: Wire) -> None:
    assert client.ask(get("/other/there")).status == 404


@pytest.mark.parametrize(
    ("body", "reached"),
    [(b"stop", ("POST", "/stop")), (b"state?", ("GET", "/state")), (b"else", ("POST", "/calls"))],
)
def test_endpoints_that_only_loops_reach(client: Wire, body: bytes, reached: tuple[str, str]) -> None:
    found = told(client.ask(request("POST", "/fenced/calls", body=body)))
    assert (found["method"], found["target"], found["body"]) == (*reached, body.decode())
    if reached != ("POST", "/calls"):
        assert client.ask(request(reached[0], "/fenced" + reached[1])).status == 403


def test_nowhere(client: Wire) -> None:
    assert error(client.ask(get("/a/nowhere"))) == (500, "Can't detect loop target")
    assert error(client.ask(get("/lost/x"))) == (500, "Couldn't detect target")


@pytest.mark.parametrize(("path", "limit"), [("/a/ever", 5), ("/a/twice", 2), ("/ring/x", 5), ("/a/deep", 100)])
def test_not_for_ever(client: Wire, path: str, limit: int) -> None:
    status, text = error(client.ask(get(path)))
    assert (status, text) == (500, f"Loop level too deep. Found more than {limit} loops in single request")
    assert client.ask(get("/a/plain")).status == 200


@pytest.mark.parametrize(
    ("path", "limit"), [("/a/hop6", 0), ("/a/hop7", 5), ("/a/once", 1), ("/a/first-counts", 2), ("/a/anew", 0)]
)
def test_how_deep(client: Wire, path: str, limit: int) -> None:
    """What is compared are the loops before the one that is asked for, so that one more than the limit passes."""
    answer = client.ask(get(path))
    if limit:
        assert error(answer) == (500, f"Loop level too deep. Found more than {limit} loops in single request")
    else:
        assert told(answer)["target"] == "/hop0"


@pytest.mark.parametrize("limit", ["%C2%B2", "9" * 5000, ""])
def test_a_limit_that_is_no_number_is_the_usual_one(client: Wire, limit: str) -> None:
    assert told(client.ask(get(f"/a/carried?loop_limit={limit}")))["target"] == "/plain"


def test_the_query_of_a_client_is_no_business_of_a_target(client: Wire) -> None:
    query = "?method=card&loop_limit=1&check_limits=x&q=%ff;+"
    found = told(client.ask(get("/front/there" + query)))
    assert (found["method"], found["target"]) == ("GET", "/base/there" + query)


@pytest.mark.parametrize("method", ["GET%20/evil%20HTTP/1.1%0d%0aX-A:%20b%0d%0aB:", "a%20b", "%ff", "a%0ab"])
def test_a_method_that_is_none_reaches_nobody(client: Wire, upstream: Upstream, method: str) -> None:
    before = len(upstream.requests)
    status, text = error(client.ask(get(f"/a/carried?method={method}")))
    assert (status, text) == (500, "There was a problem proxying the request")
    assert client.ask(get("/a/plain")).status == 200
    assert len(upstream.requests) == before + 1


def test_what_else_a_loop_carries_stays_as_it_was_written(client: Wire) -> None:
    assert told(client.ask(get("/a/carried?a=%ff&method=put&b=+;c&d")))["target"] == "/plain?a=%ff&b=+;c&d"


def test_limits_of_a_target_count(client: Wire) -> None:
    assert sorted(client.ask(get("/before-limits/x")).status for _ in range(3)) == [200, 429, 429]


def test_versions_that_name_each_other_are_not_followed_for_ever(client: Wire) -> None:
    status, text = error(client.ask(get("/egg/x", "Version: next")))
    assert (status, text) == (500, "Loop level too deep. Found more than 5 loops in single request")
    assert client.ask(get("/egg/x", "Version: own")).status == 200


@pytest.mark.parametrize("path", ["/cors/plain", "/cors/go", "/cors-door/plain"])
def test_a_site_is_told_once_what_it_may(client: Wire, path: str) -> None:
    """Browsers take two of a kind for none; the chain that was entered last counts."""
    answer = client.ask(get(path, "Origin: http://site.test"))
    assert answer.status == 200
    assert answer.all(b"access-control-allow-origin") == [b"http://site.test"]
    assert (answer.all(b"vary"), answer.all(b"access-control-allow-credentials")) == ([b"Origin"], [b"true"])


def test_the_version_stays_the_same(gateway: Gateway, client: Wire) -> None:
    rights = {"keyed": {"api_id": "keyed", "versions": ["one"]}}
    status, made = gateway.admin("POST", "/tyk/keys/create", {"org_id": "org", "access_rights": rights})
    assert status == 200
    key = f"Authorization: {made['key']}"
    assert told(client.ask(get("/keyed/go", key, "version: one")))["target"] == "/plain"
    assert client.ask(get("/keyed/go", key, "version: two")).status == 403


def test_the_method_may_change_and_the_framing_does_not(client: Wire) -> None:
    found = told(client.ask(get("/a/as-post")))
    assert (found["method"], found["target"]) == ("POST", "/plain?kept=1")
    assert client.ask(request("HEAD", "/a/as-get")).status == 200
    assert told(client.ask(get("/a/plain")))["target"] == "/plain"


@pytest.mark.parametrize("framing", ["length", "chunked", "asked for"])
def test_bodies_go_along(client: Wire, framing: str) -> None:
    body = b"b" * 100_000
    if framing == "length":
        client.send(request("POST", "/a/body", body=body))
    elif framing == "chunked":
        client.send(request("POST", "/a/body", "Transfer-Encoding: chunked") + chunked(body))
    else:
        client.send(request("POST", "/a/body", "Expect: 100-continue", f"Content-Length: {len(body)}"))
        assert client.read_answer().status == 100
        client.send(body)
    assert told(client.read_answer())["body"] == body.decode()


def test_limits_count_in_loops_only_when_asked(client: Wire) -> None:
    assert [client.ask(get("/a/limited")).status for _ in range(4)] == [200] * 4
    assert sorted(client.ask(get("/a/checked")).status for _ in range(3)) == [200, 429, 429]
