"""The access log of a running gateway: one line a request, by whichever worker, as text or JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.gateway import KEYED, Gateway, api, paths, until
from tests.servers import free_port
from tests.upstreams import Upstream, answer, answering
from tests.wire import get, request


def gateway_with(folder: Path, upstream: Upstream, **conf: Any) -> Gateway:
    apis = [api("/a/", upstream.url), api("/keyed/", upstream.url, **KEYED)]
    return Gateway(folder, apis=apis, conf={"access_logs": {"enabled": True}, **conf}, workers=2)


def lines(gateway: Gateway, count: int) -> list[str]:
    """Wait until there are so many lines of the access log, and return all."""

    def found() -> list[str]:
        return [line for line in gateway.log.splitlines() if "access-log" in line]

    until(lambda: len(found()) >= count)
    return found()


def test_json(tmp_path: Path, upstream: Upstream) -> None:
    with gateway_with(tmp_path, upstream, log_format="json") as gateway:
        gateway.ask(get("/a/x?y=1", "User-Agent: test"))
        (line,) = lines(gateway, 1)
        fields = json.loads(line)
        assert list(fields) == sorted(fields)
        expected = {
            "api_id": "a",
            "api_key": "00000000",
            "api_type": "classic",
            "host": "gateway.test",
            "level": "info",
            "message": "",
            "method": "GET",
            "org_id": "org",
            "original_path": "/a/x",
            "path": "/x",
            "prefix": "access-log",
            "protocol": "HTTP/1.1",
            "status": 200,
            "type": "request",
            "upstream_addr": f"{upstream.url}/x",
            "user_agent": "test",
        }
        assert {name: fields[name] for name in expected} == expected


def test_text_with_refusals_and_keys(tmp_path: Path, upstream: Upstream) -> None:
    with gateway_with(tmp_path, upstream, log_format="default") as gateway:
        session = {"org_id": "org", "access_rights": {"keyed": {"api_id": "keyed", "versions": ["Default"]}}}
        _, made = gateway.admin("POST", "/tyk/keys/create", session)
        gateway.ask(get("/keyed/x", f"Authorization: {made['key']}"))
        gateway.ask(get("/keyed/x"))
        found = lines(gateway, 2)
        (good,) = [line for line in found if " status=200 " in line]
        (bad,) = [line for line in found if " status=401 " in line]
        assert f" api_key={made['key_hash']} " in good
        assert " response_code_details=auth_field_missing " in bad and " response_flag=AMF " in bad
        assert made["key"] not in gateway.log


def test_errors_say_why_and_who_found_them(tmp_path: Path) -> None:
    breaker = {"path": "/x", "method": "GET", "threshold_percent": 0.5, "samples": 1, "return_to_service_after": 60}
    failing = answering(*[answer(status=b"503 Service Unavailable")] * 2)
    with Upstream(failing) as upstream:
        apis = [
            api("/fails/", upstream.url),
            api("/opens/", upstream.url, version_data=paths(circuit_breakers=[breaker])),
            api("/down/", upstream.url, proxy={"enable_load_balancing": True, "target_list": []}),
            api("/closed/", f"http://127.0.0.1:{free_port()}"),
            api("/short/", upstream.url, version_data={"versions": {"Default": {"global_size_limit": 1}}}),
        ]
        conf = {"access_logs": {"enabled": True}, "log_format": "json"}
        with Gateway(tmp_path, apis=apis, conf=conf) as gateway:
            for path in ("/fails/x", "/opens/x", "/opens/x", "/down/x", "/closed/x"):
                assert gateway.ask(get(path)).status in (500, 503)
            assert gateway.ask(request("POST", "/short/x", body=b"long")).status == 400
            *told, closed, long = [json.loads(line) for line in lines(gateway, 6)]
            assert [(one["response_flag"], one["error_source"], one["response_code_details"]) for one in told] == [
                ("URS", "Upstream", "upstream_response_5xx"),
                ("URS", "Upstream", "upstream_response_5xx"),
                ("CBO", "ReverseProxy", "circuit_breaker_open"),
                ("NHU", "ReverseProxy", "no_healthy_upstreams"),
            ]
            assert {one["error_target"] for one in told} == {upstream.url.removeprefix("http://")}
            assert (closed["response_flag"], closed["response_code_details"]) == ("UCF", "connection_refused")
            assert (long["response_flag"], long["response_code_details"]) == ("BTL", "body_too_large")


def test_every_request_of_all_workers_has_its_line(tmp_path: Path, upstream: Upstream) -> None:
    with gateway_with(tmp_path, upstream, log_format="json") as gateway:
        for number in range(60):
            gateway.ask(get(f"/a/{number}"))
        assert gateway.stop() == 0
        paths = [json.loads(line)["path"] for line in lines(gateway, 60)]
        assert sorted(paths) == sorted(f"/{number}" for number in range(60))
        gateway.start()


def test_a_request_in_a_loop_is_told_under_the_path_that_was_asked_for(tmp_path: Path, upstream: Upstream) -> None:
    to_a = {"path": "/x", "method": "GET", "match_pattern": "/x", "rewrite_to": "tyk://a/y"}
    to_it = {**to_a, "rewrite_to": "tyk://loop/x"}
    apis = [api("/a/", upstream.url)]
    apis += [
        api("/loop/", version_data=paths(url_rewrites=[to_a])),
        api("/deep/", version_data=paths(url_rewrites=[to_it])),
    ]
    conf = {"access_logs": {"enabled": True}, "log_format": "json"}
    with Gateway(tmp_path, apis=apis, conf=conf) as gateway:
        for path in ("/loop/x", "/deep/x"):
            assert gateway.ask(get(path)).status == 200
        told = [json.loads(line) for line in lines(gateway, 2)]
        assert [(one["original_path"], one["path"], one["api_id"]) for one in told] == [
            ("/loop/x", "/y", "a"),
            ("/deep/x", "/y", "a"),
        ]


def test_a_template_names_the_fields(tmp_path: Path, upstream: Upstream) -> None:
    conf = {"access_logs": {"enabled": True, "template": ["status", "path"]}, "log_format": "json"}
    with gateway_with(tmp_path, upstream, **conf) as gateway:
        gateway.ask(get("/a/x"))
        (line,) = lines(gateway, 1)
        always = {"api_id", "api_name", "level", "message", "org_id", "prefix", "time", "type"}
        assert set(json.loads(line)) == always | {"status", "path"}


def test_it_is_off_unless_asked_for(tmp_path: Path, upstream: Upstream) -> None:
    with gateway_with(tmp_path, upstream, access_logs={}) as gateway:
        gateway.ask(get("/a/x"))
    assert "access-log" not in gateway.log
