"""URL rewrites and their triggers."""

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version, outcome_of, session_of

from sluicegate.chain.outcome import Rejection
from sluicegate.errors import ConfigError
from sluicegate.middleware.transforms.url_rewrite import UrlRewrite

API = make_api(proxy={"listen_path": "/lp/"})
SERVICES = make_services()


def rewrite(entry: dict, target: str, method: str = "GET", *, raw: bytes = b"", **kwargs):
    """Return the URL that a request is sent to, or None."""
    entry = {"path": "/", "method": method, **entry}
    version = make_version(extended_paths={"url_rewrites": [entry]})
    step = UrlRewrite.from_definition(API, version, SERVICES)
    exchange = make_exchange(target, method, api=API, **kwargs)
    if raw:
        exchange.request.path, _, exchange.request.query = raw.partition(b"?")
    assert step.on_request(exchange) is None
    return exchange.url


@pytest.mark.parametrize(
    ("pattern", "target", "url", "expected"),
    [
        ("/items/(.*)", "/new/v2/$1", "/lp/items/42", b"/new/v2/42"),
        ("get", "xyz", "/lp/get", b"/xyz"),
        ("/Get", "/xyz", "/lp/get", None),
        ("a(.)(.)(.)?", "/$2$1$0$3$9", "/lp/abc", b"/cbabc"),
        ("(.)b", "/$1-$10", "/lp/ab", b"/a-a0"),
        ("x=([^&]*)", "/y?z=$1", "/lp/p?x=a{b&c=1", b"/y?z=a{b"),
        ("p", "/q", "/lp/p?x=1", b"/q"),
        ("/f/(.*)", "/g/$1", "/lp/f/a%2Fb%20c", b"/g/a%2Fb%20c"),
        ("/f/a b", "/g", "/lp/f/a%20b", b"/g"),
        ("/h/(.*)", "http://other.test:81/x/$1", "/lp/h/1", b"http://other.test:81/x/1"),
        ("/l/(.*)", "tyk://My API #1/$1?method=GET", "/lp/l/1", b"tyk://My-API-1/1?method=GET"),
        ("/l", "tyk://self/x", "/lp/l", b"tyk://self/x"),
        ("/m", "/a b/é#frag", "/lp/m", b"/a%20b/%C3%A9"),
        ("/v", "/x?t=$tyk_meta.tier&r=$tyk_meta.url", "/lp/v", b"/x?t=a+b&r=http://u/"),
    ],
)
def test_target(pattern: str, target: str, url: str, expected: bytes | None) -> None:
    session = session_of(meta_data={"tier": "a b", "url": "http://u/"})
    raw = url.encode()
    assert rewrite({"match_pattern": pattern, "rewrite_to": target}, url, raw=raw, session=session) == expected


def test_line_breaks_in_what_matched_stay_escaped() -> None:
    url = rewrite({"match_pattern": "(?s)/a b(.*)", "rewrite_to": "/x$1"}, "/", raw=b"/lp/a%20b%0d%0aEvil:%201?q=%0a")
    assert url == b"/x%0D%0AEvil:%201?q=%0A"


def test_variables_in_what_the_client_sent_are_not_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYK_SECRET_KEY", "hidden")
    entry = {"match_pattern": "/a/(.*)", "rewrite_to": "/b/$1"}
    assert rewrite(entry, "/", raw=b"/lp/a/$secret_env.KEY") == b"/b/$secret_env.KEY"


def test_pattern_that_does_not_compile_answers_500() -> None:
    version = make_version(extended_paths={"url_rewrites": [{"path": "/", "method": "GET", "match_pattern": "(?=x)"}]})
    step = UrlRewrite.from_definition(API, version, SERVICES)
    rejection = step.on_request(make_exchange("/lp/", api=API))
    assert isinstance(rejection, Rejection)
    assert (rejection.status, rejection.message) == (500, "URLRewrite regexp error (?=x)")


def triggered(options: dict, target: str = "/lp/p", on: str = "all", **kwargs):
    triggers = [{"on": on, "options": options, "rewrite_to": "/hit/$tyk_context.trigger-0-X-Tier-0-0"}]
    return rewrite({"match_pattern": ".*", "rewrite_to": "/miss", "triggers": triggers}, target, **kwargs)


HIT = b"/hit/"


@pytest.mark.parametrize(
    ("options", "kwargs", "hit"),
    [
        ({"header_matches": {"x-tier": {"match_rx": "g(.)ld"}}}, {"headers": {"X-Tier": "gold"}}, True),
        ({"header_matches": {"x-tier": {"match_rx": "gold"}}}, {}, False),
        ({"header_matches": {"x-tier": {"match_rx": "gold", "reverse": True}}}, {}, False),
        ({"header_matches": {"x-tier": {"match_rx": "gold", "reverse": True}}}, {"headers": {"X-Tier": "tin"}}, True),
        ({"query_val_matches": {"a": {"match_rx": "1"}}}, {"target": "/lp/p?a=1"}, True),
        ({"query_val_matches": {"A": {"match_rx": "1"}}}, {"target": "/lp/p?a=1"}, False),
        ({"path_part_matches": {"any": {"match_rx": "^p$"}}}, {}, True),
        ({"session_meta_matches": {"t": {"match_rx": "x"}}}, {"session": session_of(meta_data={"t": "x"})}, True),
        ({"session_meta_matches": {"t": {"match_rx": "x"}}}, {}, False),
        ({"request_context_matches": {"path": {"match_rx": "p"}}}, {}, False),
        ({}, {}, True),
    ],
)
def test_trigger(options: dict, kwargs: dict, hit: bool) -> None:
    url = triggered(options, **kwargs)
    assert url.startswith(HIT) if hit else url == b"/miss"


def test_trigger_groups_become_variables() -> None:
    options = {"header_matches": {"x-tier": {"match_rx": "g(.)ld"}}}
    assert triggered(options, headers={"X-Tier": "gold"}) == b"/hit/o"


def test_all_needs_every_option_and_any_needs_one() -> None:
    options = {"header_matches": {"X-A": {"match_rx": "1"}, "X-B": {"match_rx": "1"}}}
    assert triggered(options, headers={"X-A": "1"}) == b"/miss"
    assert triggered(options, on="any", headers={"X-A": "1"}) == HIT
    assert triggered(options, headers={"X-A": "1", "X-B": "1"}) == HIT
    options["query_val_matches"] = {"q": {"match_rx": "1"}}
    assert triggered(options, headers={"X-A": "1", "X-B": "1"}) == b"/miss"


async def test_payload_trigger_waits_for_the_body() -> None:
    trigger = {
        "options": {"payload_matches": {"match_rx": "id=([0-9]+)"}},
        "rewrite_to": "/$tyk_context.trigger-0-payload-0-0/$tyk_context.trigger-0-payload-1",
    }
    entry = {"path": "/", "method": "POST", "match_pattern": ".*", "rewrite_to": "/miss", "triggers": [trigger]}
    step = UrlRewrite.from_definition(API, make_version(extended_paths={"url_rewrites": [entry]}), SERVICES)
    exchange = make_exchange("/lp/p", "POST", api=API, body=b"x;id=77;id=8")
    assert await outcome_of(step.on_request(exchange)) is None
    assert exchange.url == b"/77/id%3D8"
    assert exchange.context["trigger-0-payload"] == "id=77"
    bodiless = make_exchange("/lp/p", "POST", api=API)
    assert step.on_request(bodiless) is None
    assert bodiless.url == b"/miss"


def test_bad_trigger_pattern_is_refused() -> None:
    triggers = [{"options": {"header_matches": {"A": {"match_rx": "("}}}}]
    version = make_version(extended_paths={"url_rewrites": [{"path": "/", "method": "GET", "triggers": triggers}]})
    with pytest.raises(ConfigError, match="url_rewrites: triggers"):
        UrlRewrite.from_definition(API, version, SERVICES)
