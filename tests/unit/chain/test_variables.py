"""Texts with variables, and the context they are about."""

import pytest
from tests.fakes.exchange import make_exchange, make_services, session_of

from sluicegate.chain.context_vars import RequestContext, context_value
from sluicegate.chain.exchange import Exchange
from sluicegate.chain.variables import Template, text_of
from sluicegate.errors import ConfigError


def with_context(target: str = "/lp/a%2Fb/c?x-y=1&x-y=2", form: bytes = b"", **kwargs) -> Exchange:
    headers = {"X-Tier": "gold", "Cookie": 'a=1; s-id="7"', "X-Real-IP": "9.9.9.9", **kwargs.pop("headers", {})}
    exchange = make_exchange(target, headers=headers, **kwargs)
    exchange.context = RequestContext(exchange.request.headers.fields, form)
    return exchange


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("plain $1 text", "plain $1 text"),
        ("<$tyk_context.headers_X_Tier>", "<gold>"),
        ("$tyk_context.headers_x_tier", ""),
        ("$tyk_context.headers_Host", "gateway.test"),
        ("$tyk_context.cookies_a+$tyk_context.cookies_s_id", "1+7"),
        ("$tyk_context.path", "/lp/a/b/c"),
        ("$tyk_context.path_parts", "lp,a,b,c"),
        ("$tyk_context.remote_addr", "9.9.9.9"),
        ("$tyk_context.request_data_x_y", "1"),
        ("$tyk_context.request_data", "x-y:1,2"),
        ("[$tyk_context.missing][$tyk_meta.missing][$secret_conf.missing]", "[][][]"),
        ("$tyk_meta.tier/$tyk_meta.n/$tyk_meta.f/$tyk_meta.list/$tyk_meta.flag", "a b/7/0.00001/x%2Fy,2/"),
        ("$secret_conf.one", "configured"),
    ],
)
def test_rendering(text: str, rendered: str) -> None:
    meta = {"tier": "a b", "n": 7, "f": 1e-05, "list": ["x/y", 2, None], "flag": True}
    services = make_services({"secrets": {"one": "configured"}})
    exchange = with_context(services=services, session=session_of(meta_data=meta))
    assert Template(text).render(exchange) == rendered


def test_environment_secrets_are_read_at_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYK_SECRET_TOKEN", "t0p")
    template = Template("Bearer $secret_env.token")
    assert template.is_static
    assert template.render(make_exchange()) == "Bearer t0p"


def test_escaping_leaves_secrets_and_urls() -> None:
    services = make_services({"secrets": {"one": "a b"}})
    exchange = with_context(services=services, session=session_of(meta_data={"u": "http://x/y", "t": "a b&c"}))
    text = "$tyk_meta.u|$tyk_meta.t|$secret_conf.one"
    assert Template(text).render(exchange, escape=True) == "http://x/y|a+b%26c|a b"


def test_values_are_not_searched_for_variables() -> None:
    exchange = with_context(headers={"X-In": "$tyk_meta.t"}, session=session_of(meta_data={"t": "secret"}))
    assert Template("$tyk_context.headers_X_In").render(exchange) == "$tyk_meta.t"


def test_unserved_secret_stores_are_refused() -> None:
    for kind in ("vault", "consul", "file"):
        with pytest.raises(ConfigError, match=kind):
            Template(f"$secret_{kind}.path.field")


def test_a_form_comes_before_the_query() -> None:
    exchange = with_context("/?a=query&b=2", form=b"a=form&c=%C3%A9")
    assert [context_value(exchange, f"request_data_{name}") for name in "abc"] == ["form", "2", "é"]


def test_absurdly_many_parameters_are_none() -> None:
    exchange = with_context(form=b"a=1&" * 20_000)
    assert context_value(exchange, "request_data_a") is None


def test_request_id_stays_and_counters_do_not() -> None:
    exchange = with_context()
    assert context_value(exchange, "request_id") == context_value(exchange, "request_id") != ""
    exchange.quota = (10, 9, 0)
    assert context_value(exchange, "quota_remaining") == 9
    exchange.quota = (10, 8, 0)
    assert context_value(exchange, "quota_remaining") == 8
    exchange.token = "tok"
    assert context_value(exchange, "token") == "tok"


def test_without_context_there_is_nothing() -> None:
    assert Template("<$tyk_context.path>").render(make_exchange("/a")) == "<>"


def test_numbers_have_no_exponent() -> None:
    assert [text_of(value) for value in (1e21, 2.0, 10**20, 0.5)] == ["1" + "0" * 21, "2", "1" + "0" * 20, "0.5"]
