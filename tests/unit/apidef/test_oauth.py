"""OAuth records are Tyk's to the byte, and read whatever a Tyk node left in them: contract 05.1."""

from __future__ import annotations

from sluicegate.apidef import gojson
from sluicegate.apidef.oauth import AccessData, AuthorizeData, EarlierAccess, OAuthClient, decode

CLIENT = OAuthClient("1234", "aabbccdd", "http://client.test?a=1&b=2", policyid="p1")
CLIENT_JSON = b'{"id":"1234","secret":"aabbccdd","redirecturi":"http://client.test?a=1\\u0026b=2","policyid":"p1","description":""}'


def test_a_client() -> None:
    assert gojson.encode(CLIENT) == CLIENT_JSON
    assert decode(CLIENT_JSON, OAuthClient) == CLIENT
    with_meta = OAuthClient("1", "s", meta_data={"foo": "bar", "client": "meta"})
    assert gojson.encode(with_meta) == (
        b'{"id":"1","secret":"s","redirecturi":"","meta_data":{"client":"meta","foo":"bar"},"policyid":"","description":""}'
    )
    assert decode(gojson.encode(with_meta), OAuthClient) == with_meta


def test_a_code() -> None:
    data = AuthorizeData(CLIENT, "code", 250, "s", "http://r.test", "st", "2026-11-23T10:00:00.5Z", '{"rate":1}')
    assert gojson.encode(data) == (
        b'{"Client":' + CLIENT_JSON + b',"Code":"code","ExpiresIn":250,"Scope":"s","RedirectUri":"http://r.test",'
        b'"State":"st","CreatedAt":"2026-11-23T10:00:00.5Z","UserData":"{\\"rate\\":1}"}'
    )
    assert decode(gojson.encode(data), AuthorizeData) == data


def test_an_access() -> None:
    data = AccessData(CLIENT, access_token="t", refresh_token="r", expires_in=3600, created_at="now")
    assert gojson.encode(data) == (
        b'{"Client":' + CLIENT_JSON + b',"AuthorizeData":null,"AccessData":null,"AccessToken":"t","RefreshToken":"r",'
        b'"ExpiresIn":3600,"Scope":"","RedirectUri":"","CreatedAt":"now","UserData":null}'
    )
    assert decode(gojson.encode(data), AccessData) == data


def test_an_access_carries_on_one_that_was_before_it_and_no_more() -> None:
    first = AccessData(CLIENT, access_token="1")
    second = AccessData(CLIENT, access_token="2", access_data=first.as_earlier())
    third = AccessData(CLIENT, access_token="3", access_data=second.as_earlier())
    assert third.access_data == EarlierAccess(CLIENT, access_token="2")
    assert decode(gojson.encode(third), AccessData) == third


def test_what_tyk_carried_on_for_weeks_can_be_read() -> None:
    nested = b"null"
    for number in range(500):
        nested = b'{"AccessToken":"t%d","AccessData":%b}' % (number, nested)
    found = decode(nested, AccessData)
    assert found is not None and found.access_token == "t499"


def test_what_cannot_be_read_is_none() -> None:
    for broken in (b"", b"{", b"[]", b'{"ExpiresIn":{}}', b'{"Code":"\xff"}'):
        assert decode(broken, AuthorizeData) is None
    assert decode(b'{"AccessData":' * 100_000 + b"null" + b"}" * 100_000, AccessData) is None
