"""Lines of the access log (contract 12.2)."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from tests.fakes.exchange import settings_of
from tests.unit.analytics.exchanges import TOOK_S, over, refused

from sluicegate import log
from sluicegate.analytics.access_log import AccessLog
from sluicegate.analytics.capture import Reader, capture
from sluicegate.chain.exchange import Exchange
from sluicegate.chain.outcome import Rejection
from sluicegate.errors import FAULT_CODES, UpstreamFault

ALWAYS = "api_id=a1 api_name=One org_id=default prefix=access-log type=request"


@pytest.fixture(autouse=True)
def _log_as_configured() -> Any:
    yield
    log.configure()


def access_log(**settings: Any) -> AccessLog:
    log.configure("info", settings.get("log_format", "text"))
    return AccessLog(settings_of({"access_logs": {"enabled": True}, "hash_keys": True, **settings}), Reader(0))


def line_of(exchange: Exchange, **settings: Any) -> str:
    return access_log(**settings).line(capture(exchange, *TOOK_S)).decode()


def json_of(exchange: Exchange, **settings: Any) -> dict[str, Any]:
    return msgspec.json.decode(line_of(exchange, log_format="json", **settings))  # type: ignore[no-any-return]


def test_a_line_of_text() -> None:
    line = line_of(over(headers={"User-Agent": 'a "b"'}, key_hash="cbd8a7b341bd9b02"))
    assert re.sub(r"^time=\"[^\"]+\"", "time=T", line) == (
        "time=T level=info api_id=a1 api_key=cbd8a7b341bd9b02 api_name=One api_type=classic client_ip=127.0.0.1"
        " host=gateway.test latency_gateway=2 latency_total=12 method=GET org_id=default original_path=/one/get"
        ' path=/get prefix=access-log protocol=HTTP/1.1 remote_addr="127.0.0.1:40000" status=200 type=request'
        ' upstream_addr="http://up.test:8080/base/get" upstream_latency=10 user_agent="a \\"b\\""\n'
    )


def test_a_line_of_json_is_sorted_and_has_an_empty_message() -> None:
    fields = json_of(over(headers={"User-Agent": "<b>&"}))
    assert list(fields) == sorted(fields)
    assert (fields["message"], fields["level"], fields["status"], fields["user_agent"]) == ("", "info", 200, "<b>&")
    assert "<b>" not in line_of(over(headers={"User-Agent": "<b>"}), log_format="json")


def test_keys_are_hashed_or_hidden() -> None:
    assert json_of(over())["api_key"] == "00000000"
    assert json_of(over(key_hash="secret-token"), hash_keys=False)["api_key"] == "****oken"
    assert json_of(over(), hash_keys=False)["api_key"] == "--"


def test_a_rejection_says_who_and_why() -> None:
    fields = json_of(refused())
    assert list(fields) == sorted(fields)
    assert fields["mw"] == fields["error_source"] == "AuthKey"
    assert (fields["response_code_details"], fields["response_flag"]) == ("auth_field_missing", "AMF")
    assert (fields["upstream_addr"], fields["origin"]) == ("/one/get", "127.0.0.1")


def test_failures_of_the_upstream() -> None:
    failed = Rejection(500, "There was a problem proxying the request", code="connection_refused", flag="UCF")
    fields = json_of(over(status=500, rejection=failed))
    assert (fields["response_flag"], fields["error_source"]) == ("UCF", "ReverseProxy")
    assert fields["error_target"] == "up.test:8080"
    fields = json_of(over(status=503, upstream_status=503))
    assert (fields["response_flag"], fields["upstream_status"]) == ("URS", 503)
    assert (fields["response_code_details"], fields["error_source"]) == ("upstream_response_5xx", "Upstream")
    fields = json_of(over(cut=UpstreamFault.RESET))
    assert (fields["response_flag"], fields["response_code_details"]) == ("URR", "connection_reset")


def test_every_failure_of_an_upstream_has_a_word() -> None:
    assert set(FAULT_CODES) == set(UpstreamFault)


def test_breakers_and_targets_that_are_down_are_the_proxys() -> None:
    opened = Rejection(503, "Service temporarily unavailable.", code="breaker_open", flag="CBO")
    fields = json_of(refused("CircuitBreaker", opened))
    assert (fields["circuit_breaker_state"], fields["error_source"]) == ("OPEN", "ReverseProxy")
    assert fields["error_target"] == "up.test:8080"
    assert "mw" not in fields
    down = Rejection(503, "all hosts are down", code="no_healthy_upstreams", flag="NHU")
    fields = json_of(refused("", down))
    assert (fields["error_source"], fields["response_flag"]) == ("ReverseProxy", "NHU")
    assert "circuit_breaker_state" not in fields


def test_a_client_that_went_away() -> None:
    fields = json_of(over(status=0, aborted=True))
    assert (fields["status"], fields["response_flag"]) == (499, "CDC")
    assert fields["response_code_details"] == "client_disconnected"
    assert fields["upstream_addr"] == "/get"
    assert json_of(over(status=200, aborted=True))["upstream_addr"] == "http://up.test:8080/base/get"


def test_a_template_keeps_what_it_names() -> None:
    line = line_of(over(), access_logs={"enabled": True, "template": ["status", "path"]})
    assert line.partition("level=info ")[2] == (
        "api_id=a1 api_name=One org_id=default path=/get prefix=access-log status=200 type=request\n"
    )


def test_what_is_not_tracked_is_logged_only_when_it_went_well() -> None:
    assert line_of(over(tracked=False))
    assert not line_of(refused(tracked=False))
    assert not line_of(refused(api={"do_not_track": True}))


def test_it_is_off_unless_asked_for_and_above_its_level() -> None:
    assert access_log().is_on
    assert not access_log(access_logs={"enabled": False}).is_on
    assert not access_log(log_level="warn").is_on


def test_a_request_that_no_api_took() -> None:
    nowhere = Rejection(404, "Not Found", code="route_not_found", flag="NRH")
    missing = capture(over("/zork", rejection=nowhere), *TOOK_S)
    line = access_log(track_404_logs=True).missing_route_line(missing).decode()
    assert line.partition("level=error ")[2] == (
        'message="Not Found" host=gateway.test origin="127.0.0.1:40000" request="GET /zork HTTP/1.1"\n'
    )
    assert not access_log(track_404_logs=True).missing_route_line(capture(over(), *TOOK_S))


def test_lines_of_clients_cannot_be_forged() -> None:
    assert line_of(over("/one/%0Atime=now")).count("\n") == 1
    assert line_of(over("/one/%0Atime=now"), log_format="json").count("\n") == 1
