"""Every setting that a cluster may share takes effect in a running node, and ceases to when it is shared no longer."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests import effects
from tests.effects import AUTHORITY, Site, tls
from tests.gateway import KEYED, Gateway, api, merged
from tests.nodes import node
from tests.servers import RedisServer, running_redis
from tests.upstreams import Upstream, echo
from tests.wire import Wire, request

from sluicegate.settings.shared import SHARED, read_shared

UNVERIFIED = {"proxy": {"transport": {"ssl_insecure_skip_verify": True}}}
TRUSTED = {"proxy": {"transport": {"ssl_ca_file": "FOLDER/authority.pem"}}}
ONLY_1_2 = tls(highest=ssl.TLSVersion.TLSv1_2, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
ONLY_1_3 = tls(lowest=ssl.TLSVersion.TLSv1_3)


def listing(path: str) -> dict[str, Any]:
    """Return the versions of an API that only lets requests for a path pass."""
    white = {"path": path, "method_actions": {"GET": {"action": "no_action"}}}
    version = {"name": "Default", "use_extended_paths": True, "extended_paths": {"white_list": [white]}}
    return {"version_data": {"not_versioned": True, "versions": {"Default": version}}}


OAUTH = {
    "use_keyless": False,
    "use_oauth2": True,
    "oauth_meta": {
        "allowed_access_types": ["authorization_code", "refresh_token"],
        "allowed_authorize_types": ["code", "token"],
    },
}
VERSIONED = {
    "definition": {"location": "header", "key": "version"},
    "version_data": {"not_versioned": False, "default_version": "v1", "versions": {"v1": {"name": "v1"}}},
}
BALANCED = {"proxy": {"enable_load_balancing": True, "target_list": ["UPSTREAM", "BAD"]}}
CHECKED: dict[str, Any] = {"uptime_tests": {"check_list": [{"url": "UPSTREAM/check"}]}}
CHECKED_TARGETS = {
    **CHECKED,
    "proxy": {"enable_load_balancing": True, "check_host_against_uptime_tests": True, "target_list": ["UPSTREAM"]},
}


@dataclass(frozen=True)
class Case:
    """Settings, an API, and what is seen of it without and with them.

    script, context: of the API's upstream.
    """

    settings: dict[str, Any]
    look: Callable[[Site], Any]
    without: Any
    with_them: Any
    api: dict[str, Any] = field(default_factory=dict)
    script: Callable[[Wire, Upstream], None] = echo
    context: ssl.SSLContext | None = None


def server(**options: Any) -> dict[str, Any]:
    return {"http_server_options": options}


def own(**options: Any) -> dict[str, Any]:
    return {"sluicegate": options}


def seen(path: str, *fields: str, **more: Any) -> Callable[[Site], int]:
    return lambda site: site.status(path, *fields, **more)


CASES = {
    "strict": Case(server(enable_strict_routes=True), seen("/apple"), 200, 404, {"proxy": {"listen_path": "/a"}}),
    "prefix": Case(server(enable_path_prefix_matching=True), seen("/a/y/x"), 200, 403, listing("/x")),
    "suffix": Case(server(enable_path_suffix_matching=True), seen("/a/xyz"), 200, 403, listing("/x")),
    "case": Case({"ignore_endpoint_case": True}, seen("/a/X"), 403, 200, listing("/x")),
    "websockets": Case(server(enable_websockets=False), Site.upgrades, True, False),
    "cleaning": Case(server(skip_url_cleaning=True), seen("/a//x"), 301, 200),
    "escaping": Case(
        server(skip_target_path_escaping=True), lambda site: site.target_seen("/a/(x)"), "/%28x%29", "/(x)"
    ),
    "body": Case(
        server(max_request_body_size=200),
        lambda site: site.gateway.ask(request("POST", "/a/", body=bytes(300))).status,
        200,
        413,
    ),
    "depth": Case(
        server(xff_depth=1),
        seen("/a/", "X-Forwarded-For: 1.1.1.1, 2.2.2.2"),
        200,
        403,
        {"enable_ip_whitelisting": True, "allowed_ips": ["1.1.1.1"]},
    ),
    "domains": Case({"enable_custom_domains": False}, seen("/a/"), 404, 200, {"domain": "elsewhere.test"}),
    "version": Case({"version_header": "x-got"}, lambda site: site.ask().get(b"x-got"), None, b"v1", VERSIONED),
    "generator": Case(
        {"hide_generator_header": True}, lambda site: site.ask().get(b"x-generator"), b"tyk.io", None, KEYED
    ),
    "overrides": Case({"error_overrides": {"401": [{"response": {"status_code": 418}}]}}, Site.status, 401, 418, KEYED),
    "token": Case({"min_token_length": 6}, Site.status_of_short_token, 200, 403, KEYED),
    "masters": Case(
        {"allow_master_keys": True},
        lambda site: site.gateway.admin("POST", "/tyk/keys/create", {"rate": 1, "per": 1})[0],
        400,
        200,
    ),
    "passwords": Case(
        {"basic_auth_hash_key_function": "murmur64"},
        Site.password_hash,
        "bcrypt",
        "murmur64",
        {**KEYED, "use_standard_auth": False, "use_basic_auth": True},
    ),
    "lifetime": Case(
        {"force_global_session_lifetime": True, "global_session_lifetime": 77}, Site.lifetime_s, 1000, 77, KEYED
    ),
    "expiry": Case(
        {"session_lifetime_respects_key_expiration": True},
        lambda site: round(site.lifetime_s(), -2),
        1000,
        50_000,
        KEYED,
    ),
    "organisation": Case(
        {"enforce_org_quotas": True, "experimental_process_org_off_thread": True},
        Site.is_blocked_with_its_organisation,
        False,
        True,
    ),
    "tokens": Case({"oauth_token_expire": 77}, Site.oauth_token_lifetime_s, 3600, 77, OAUTH),
    "refresh tokens": Case(
        {"oauth_refresh_token_expire": 5000},
        lambda site: round(site.oauth_refresh_lifetime_s(), -2),
        1_209_600,
        5000,
        OAUTH,
    ),
    "lapsed tokens": Case({"oauth_token_expired_retain_period": 1000}, Site.keeps_lapsed_tokens, False, True, OAUTH),
    "redirects": Case({"oauth_redirect_uri_separator": ";"}, Site.oauth_status_for_second_address, 403, 307, OAUTH),
    "OAuth errors": Case({"oauth_error_status_code": 400}, Site.oauth_error_status, 403, 400, OAUTH),
    "rate headers": Case(
        {"rate_limit_response_headers": "rate_limits"},
        lambda site: site.ask().get(b"x-ratelimit-limit"),
        b"0",
        b"1000",
        {"global_rate_limit": {"rate": 1000, "per": 60}},
    ),
    "store failure": Case(
        own(store_failure={"limits": "closed"}),
        lambda site: site.with_redis_hanging(lambda: max(site.status() for _ in range(20))),  # a lease may be left
        200,
        503,
        {"global_rate_limit": {"rate": 1000, "per": 60}},
    ),
    "closing clients": Case({"close_connections": True}, lambda site: site.ask().get(b"connection"), None, b"close"),
    "head": Case(own(max_header_bytes=500), seen("/a/", "X-A: " + "a" * 600), 200, 431),
    "fields": Case(own(max_header_count=20), seen("/a/", *["X-A: 1"] * 30), 200, 431),
    "slow body": Case(own(body_timeout_s=0.1), Site.loses_slow_sender, False, True),
    "idle client": Case(own(idle_timeout_s=0.1), Site.loses_idle_client, False, True),
    "slow reader": Case(
        server(write_timeout=1), Site.loses_client_that_reads_nothing, False, True, script=effects.large
    ),
    "timeout": Case({"proxy_default_timeout": 0.1}, Site.status, 200, 504, script=effects.slow),
    "closing": Case({"proxy_close_connections": True}, lambda site: site.connections_for(site.twice), 1, 2),
    "unverified": Case({"proxy_ssl_insecure_skip_verify": True}, Site.status, 500, 200, context=tls()),
    "TLS from": Case({"proxy_ssl_min_version": 772}, Site.status, 200, 500, UNVERIFIED, context=ONLY_1_2),
    "TLS to": Case({"proxy_ssl_max_version": 771}, Site.status, 200, 500, UNVERIFIED, context=ONLY_1_3),
    "ciphers": Case(
        {"proxy_ssl_ciphers": ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]},
        Site.status,
        200,
        500,
        UNVERIFIED,
        context=ONLY_1_2,
    ),
    "common name": Case(
        {"ssl_force_common_name_check": True}, Site.status, 200, 500, TRUSTED, context=tls(common_name="else.test")
    ),
    "pins": Case({"security": {"pinned_public_keys": {"*": "ab" * 32}}}, Site.status, 200, 500, TRUSTED, context=tls()),
    "identity": Case(
        {"security": {"certificates": {"upstream": {"*": "FOLDER/own.pem"}}}},
        Site.status,
        500,
        200,
        TRUSTED,
        context=tls(clients=True),
    ),
    "idle per host": Case(
        {"max_idle_connections_per_host": 1},
        lambda site: site.connections_for(site.two_at_a_time),
        2,
        3,
        script=effects.in_pairs,
    ),
    "idle": Case(
        own(upstream_max_idle=1),
        lambda site: site.connections_for(site.two_at_a_time),
        2,
        3,
        script=effects.in_pairs,
    ),
    "idle time": Case(own(upstream_idle_timeout_s=0.1), Site.loses_idle_connection, False, True),
    "ejection": Case(own(ejection={"failures": 0}), Site.keeps_trying_bad_target, False, True, BALANCED),
    "ejection time": Case(own(ejection={"base_s": 0}), Site.keeps_trying_bad_target, False, True, BALANCED),
    "longest ejection": Case(own(ejection={"max_s": 0}), Site.keeps_trying_bad_target, False, True, BALANCED),
    "no checks": Case({"uptime_tests": {"disable": True}}, lambda site: site.checks_arrive(1), True, False, CHECKED),
    "fewer checks": Case(
        {"uptime_tests": {"config": {"time_wait": 60}}}, lambda site: site.checks_arrive(2), True, False, CHECKED
    ),
    "more failures": Case(
        {"uptime_tests": {"config": {"failure_trigger_sample_size": 1000}}},
        lambda site: effects.within(lambda: site.status() == 503),
        True,
        False,
        CHECKED_TARGETS,
        effects.ailing,
    ),
}


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as one:
        yield one


@pytest.fixture(scope="module")
def gateway(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    conf = {"uptime_tests": {"config": {"time_wait": 1, "failure_trigger_sample_size": 1}}}
    folder = tmp_path_factory.mktemp("cluster") / "node"
    with node(folder, redis, conf=conf, workers=1) as one:
        (folder / "authority.pem").write_bytes(AUTHORITY.cert_pem.bytes())
        identity = AUTHORITY.issue_cert("gateway.test").private_key_and_cert_chain_pem
        (folder / "own.pem").write_bytes(identity.bytes())
        yield one


@pytest.fixture
def bad() -> Iterator[Upstream]:
    with Upstream(effects.closing) as one:
        yield one


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_it_takes_effect(case: Case, gateway: Gateway, redis: RedisServer, bad: Upstream) -> None:
    def filled(document: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(document).replace("FOLDER", str(gateway.folder))
        return json.loads(text.replace("UPSTREAM", upstream.url).replace("BAD", bad.url.replace("http:", "https:")))

    with Upstream(case.script, case.context) as upstream:
        site = Site(gateway, redis, upstream, bad)
        definition = api("/a/", api_id="a", **merged({"proxy": {"target_url": upstream.url}}, case.api))
        site.admin("POST", "/tyk/apis", filled(definition))
        try:
            assert case.look(site) == case.without
            site.admin("PUT", "/tyk/cluster/settings", filled(case.settings))
            assert case.look(site) == case.with_them
        finally:
            site.admin("DELETE", "/tyk/cluster/settings")
        assert case.look(site) == case.without


def test_every_shared_setting_has_a_case() -> None:
    shown = [read_shared(json.dumps(case.settings).encode(), name).values for name, case in CASES.items()]
    assert {path for values in shown for path in values} == SHARED
