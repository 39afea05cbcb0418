"""Records as Tyk Pump reads them (contract 05.4, 12.1)."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from tests.fakes.exchange import session_of, settings_of
from tests.unit.analytics.exchanges import ENDED_S, TOOK_S, over, refused

from sluicegate.analytics.capture import Reader, capture
from sluicegate.analytics.record import EMPTY_BLOCKS, FIELDS, GEO, GRAPHQL, MCP, NETWORK, RecordBuilder, readable
from sluicegate.chain.exchange import Exchange

KEY = "cbd8a7b341bd9b02"


def builder_of(**analytics_config: Any) -> RecordBuilder:
    return RecordBuilder(settings_of({"hash_keys": True, "analytics_config": analytics_config}), Reader(0))


def record_of(exchange: Exchange, builder: RecordBuilder | None = None) -> dict[str, Any]:
    record = (builder or builder_of()).build(capture(exchange, *TOOK_S))
    assert record is not None
    return msgspec.msgpack.decode(record)  # type: ignore[no-any-return]


def test_all_fields_are_there_in_gos_order_packed_as_go_packs_them() -> None:
    exchange = over("/one/caf%C3%A9", key_hash=KEY, session=session_of(alias="me", oauth_client_id="oc", tags=["t"]))
    record = builder_of().build(capture(exchange, *TOOK_S))
    local = time.localtime(int(ENDED_S))
    moment = [int(ENDED_S), 250_000_000]
    fields = {
        "Method": "GET",
        "Host": "up.test:8080",
        "Path": "/café",
        "RawPath": "/café",
        "ContentLength": 0,
        "UserAgent": "curl/8",
        "Day": local.tm_mday,
        "Month": local.tm_mon,
        "Year": local.tm_year,
        "Hour": local.tm_hour,
        "ResponseCode": 200,
        "APIKey": KEY,
        "TimeStamp": moment,
        "APIVersion": "Non Versioned",
        "APIName": "One",
        "APIID": "a1",
        "OrgID": "default",
        "OauthID": "oc",
        "RequestTime": 12,
        "RawRequest": "",
        "RawResponse": "",
        "IPAddress": "127.0.0.1",
        "Geo": GEO,
        "Network": NETWORK,
        "Latency": {"Total": 12, "Upstream": 10, "Gateway": 2},
        "Tags": ["t", f"key-{KEY}", "org-default", "api-a1"],
        "Alias": "me",
        "TrackPath": False,
        "ExpireAt": [moment[0] + 100 * 365 * 86400, moment[1]],
        "ApiSchema": "",
        "OriginalPath": "/one/café",
        "ListenPath": "/one/",
        "GraphQLStats": GRAPHQL,
        "MCPStats": MCP,
        "CollectionName": "",
    }
    assert tuple(fields) == FIELDS
    assert record == msgspec.msgpack.encode(fields)


def test_an_error_of_the_gateway_is_recorded_without_the_listen_path_and_has_no_key() -> None:
    record = record_of(refused())
    assert (record["ResponseCode"], record["Path"], record["OriginalPath"]) == (401, "/get", "/one/get")
    assert record["RawPath"] == "/get"
    assert record["Latency"] == {"Total": 12, "Upstream": 0, "Gateway": 12}
    assert record["APIKey"] == "00000000"
    assert record["Tags"] == ["key-00000000", "org-default", "api-a1"]


def test_an_error_of_an_api_that_keeps_its_listen_path_is_recorded_with_it() -> None:
    proxy = {"listen_path": "/one/", "target_url": "http://up.test", "strip_listen_path": False}
    assert record_of(refused(api={"proxy": proxy}))["Path"] == "/one/get"


def test_an_answer_of_the_gateway_that_is_no_error_keeps_the_listen_path() -> None:
    assert record_of(over(target=None, tags=("cached-response",)))["Path"] == "/one/get"


def test_without_hashing_the_token_stands_there_as_it_is() -> None:
    builder = RecordBuilder(settings_of(), Reader(0))
    assert record_of(over(), builder)["Tags"] == ["org-default", "api-a1"]
    assert record_of(over(key_hash="tok\udcffen"), builder)["APIKey"] == "tok?en"


def test_tags_of_session_headers_api_and_request() -> None:
    session = session_of(apply_policies=["p1", "p2"], meta_data={"tyk_developer_id": "d"}, tags=["s"])
    api = {"tag_headers": ["X-Team"], "tags": ["a"]}
    exchange = over(headers={"X-Team": "red"}, api=api, session=session, key_hash=KEY, tags=("cached-response",))
    assert record_of(exchange)["Tags"] == [
        *("pol-p1", "pol-p2", "dev-d", "s", "x-team-red", "a", "cached-response"),
        *(f"key-{KEY}", "org-default", "api-a1"),
    ]
    exchange.headers.set(b"x-team", b"blue")
    assert "x-team-blue" in record_of(exchange)["Tags"]


def test_rewritten_and_tracked_paths() -> None:
    assert record_of(over(url=b"/other/x?q=1"))["Path"] == "/other/x"
    absolute = record_of(over(url=b"https://else.test/y%20z?q=http://a"))
    assert (absolute["Host"], absolute["Path"], absolute["OriginalPath"]) == ("else.test", "/y z", "/one/get")
    tracked = record_of(over(tracked_path="get/{id}"))
    assert (tracked["TrackPath"], tracked["Path"], tracked["RawPath"]) == (True, "/get/{id}", "/get")


def test_the_original_path_of_a_request_in_a_loop_is_the_clients() -> None:
    looped = over("/one/y")
    looped.request.asked_path = b"/other/caf%C3%A9"
    record = record_of(looped)
    assert (record["Path"], record["OriginalPath"]) == ("/y", "/other/café")


def test_a_version_and_an_expiry_of_the_api() -> None:
    record = record_of(over(version_name="v2", api={"expire_analytics_after": 60}))
    assert record["APIVersion"] == "v2"
    assert record["ExpireAt"] == [int(ENDED_S) + 60, 250_000_000]


def test_the_client_behind_a_proxy() -> None:
    assert record_of(over(headers={"X-Real-Ip": "10.0.0.9"}))["IPAddress"] == "10.0.0.9"


def test_bytes_that_are_no_text_do_no_harm() -> None:
    record = record_of(over("/one/%FF%FE", headers={"User-Agent": "a\xff"}))
    assert record["Path"] == "/\ufffd\ufffd"


@pytest.mark.parametrize(
    "exchange", [over(tracked=False), over(api={"do_not_track": True}), over(headers={"X-Real-Ip": "10.0.0.1"})]
)
def test_what_leaves_no_record(exchange: Exchange) -> None:
    builder = builder_of(ignored_ips=["10.0.0.1"])
    assert builder.build(capture(exchange, *TOOK_S)) is None


def test_the_pieces_of_one_key_are_not_taken_for_another() -> None:
    builder = builder_of()
    first, second = session_of(alias="first"), session_of(alias="second")
    assert record_of(over(key_hash="1", session=first), builder)["Alias"] == "first"
    assert record_of(over(key_hash="1", session=second), builder)["Alias"] == "second"
    assert record_of(over(key_hash="2", session=first, version_name="v"), builder)["APIKey"] == "2"
    assert record_of(over(api={"api_id": "b"}, key_hash="1", session=first), builder)["APIID"] == "b"
    assert record_of(over(api={"name": "New"}, key_hash="1", session=first), builder)["APIName"] == "New"


def test_nothing_grows_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluicegate.analytics.record.REMEMBERED", 8)
    monkeypatch.setattr("sluicegate.analytics.capture.REMEMBERED_HEADS", 8)
    builder = builder_of()
    for number in range(50):
        exchange = over(f"/one/{number}", key_hash=str(number), status=200 + number)
        exchange.started_ticks -= number
        assert record_of(exchange, builder)["Path"] == f"/{number}"
    kept = (builder._callers, builder._paths, builder._times, builder._statuses, builder._reader._heads)
    assert all(len(memory) <= 8 for memory in kept)
    builder.forget()


def test_a_short_record_goes_without_what_is_always_empty() -> None:
    long = RecordBuilder(settings_of(), Reader(0)).build(capture(over(), *TOOK_S))
    short = RecordBuilder(settings_of(), Reader(0), short=True).build(capture(over(), *TOOK_S))
    assert long is not None and short is not None and len(short) < len(long) * 2 / 3
    whole = msgspec.msgpack.decode(long)
    assert msgspec.msgpack.decode(short) == {name: whole[name] for name in FIELDS if name not in EMPTY_BLOCKS}
    assert readable(short) == readable(long)
