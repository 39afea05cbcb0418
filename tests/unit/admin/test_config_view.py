"""The settings as they can be looked at, and what must not be seen."""

from __future__ import annotations

import pytest
from tests.fakes.node import SECRET

FALLBACK = "TYK_GW_HASHKEYFUNCTIONFALLBACK"


@pytest.fixture
def inspected(make_admin):
    return make_admin(
        enable_config_inspection=True,
        listen_port=8888,
        storage={"password": "redis-password", "host": "10.0.0.1"},
        secrets={"db": "p@ssw0rd"},
        hash_key_function_fallback=["murmur64", "sha256"],
        monitor={"configuration": {"header_map": {"Authorization": "Bearer hidden"}}},
        db_app_conf_options={"connection_string": "http://user:pw@dashboard"},
        sentry_code="https://hidden@sentry.io/1",
        rate_limit_response_headers="quotas",
        opentelemetry={"headers": {"Authorization": "hidden"}},
    )


async def test_nothing_secret_is_shown(inspected):
    for path in ("/config", "/env"):
        text = (await inspected.call("GET", path)).text
        for secret in (SECRET, "redis-password", "p@ssw0rd", "hidden", "pw@dashboard"):
            assert secret not in text
        assert "10.0.0.1" in text


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/config?field=listen_port", ("listen_port", "TYK_GW_LISTENPORT", "8888", False)),
        ("/env?env=TYK_GW_LISTENPORT", ("listen_port", "TYK_GW_LISTENPORT", "8888", False)),
        ("/config?field=storage.host", ("storage.host", "TYK_GW_STORAGE_HOST", "10.0.0.1", False)),
        ("/config?field=storage.host&field=secret", ("storage.host", "TYK_GW_STORAGE_HOST", "10.0.0.1", False)),
        ("/config?field=hash_keys", ("hash_keys", "TYK_GW_HASHKEYS", "false", False)),
        ("/env?env=TYK_GW_STORAGE_PASSWORD", ("storage.password", "TYK_GW_STORAGE_PASSWORD", "*REDACTED*", True)),
        (
            "/env?env=TYK_GW_STORAGE_OPTIMISATIONMAXIDLE",
            ("storage.optimisation_max_idle", "TYK_GW_STORAGE_MAXIDLE", "100", False),
        ),
        ("/config?field=secrets", ("secrets", "TYK_GW_SECRETS", "map[db:*REDACTED*]", True)),
        (
            "/config?field=hash_key_function_fallback",
            ("hash_key_function_fallback", FALLBACK, "[murmur64 sha256]", False),
        ),
        (
            "/config?field=rate_limit_response_headers",
            ("rate_limit_response_headers", "TYK_GW_RATELIMITRESPONSEHEADERS", "quotas", False),
        ),
        ("/config?field=sentry_code", ("sentry_code", "TYK_GW_SENTRYCODE", "*REDACTED*", True)),
    ],
)
async def test_one_setting(inspected, path, expected):
    body = (await inspected.call("GET", path)).json()
    assert tuple(body.values()) == expected
    assert list(body) == ["config_field", "env", "value", "obfuscated"]


async def test_names_that_are_no_setting(inspected):
    answer = await inspected.call("GET", "/config?field=storage")
    assert (answer.status_code, answer.json()) == (404, {"error": "field not found"})
    answer = await inspected.call("GET", "/env?env=TYK_GW_NONE")
    assert (answer.status_code, answer.json()) == (404, {"error": "environment variable not found"})


async def test_only_with_the_secret(inspected):
    for path in ("/config", "/env"):
        assert (await inspected.call("GET", path, headers={"X-Tyk-Authorization": "x"})).status_code == 403
