"""The secret, slashes, unknown paths and wrong methods (contract 04.1)."""

from __future__ import annotations

import pytest

from sluicegate.errors import StoreError

REFUSED = "Attempted administrative access with invalid or missing key!"


@pytest.mark.parametrize("given", [{}, {"X-Tyk-Authorization": "wrong"}, {"X-Tyk-Authorization": "s3cret "}])
@pytest.mark.parametrize("path", ["/tyk/apis", "/tyk/nothing", "/tyk/", "/tyk/keys/a/b"])
async def test_without_the_secret_everything_is_refused(admin, path, given):
    headers = {"X-Tyk-Authorization": "", **given}
    assert await admin.said("PATCH", path, headers=headers) == (403, REFUSED)


async def test_without_a_secret_in_the_settings_the_api_is_closed_and_the_log_says_so_once(make_admin):
    admin = make_admin(secret="")
    logged = []
    admin.node.services.log = lambda level, message, **_: logged.append((level, message))
    for given in ("", "s3cret"):
        assert (await admin.call("GET", "/tyk/apis", headers={"X-Tyk-Authorization": given})).status_code == 403
    assert [level for level, _ in logged] == ["warning"]
    assert "no `secret` is set" in logged[0][1]


async def test_a_secret_may_have_any_letters(make_admin):
    admin = make_admin(secret="süß")
    for given, expected in (("süß".encode(), 200), ("süss".encode(), 403), (b"s\xff", 403)):
        assert (await admin.call("GET", "/tyk/apis", headers={"X-Tyk-Authorization": given})).status_code == expected


@pytest.mark.parametrize("path", ["/tyk/nothing", "/tyk/keys/a/b", "/tyk/cache"])
async def test_unknown_path_of_the_api(admin, path):
    answer = await admin.call("DELETE", path)
    assert (answer.status_code, answer.text) == (404, "404 page not found\n")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", ["/tyk", "/nothing", "/hello/", "/config", "/env"])
async def test_unknown_path_outside_of_it(admin, path):
    answer = await admin.call("GET", path)
    assert (answer.status_code, answer.text) == (404, "Not Found")


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        ({"hostname": "gw.example"}, "gw.example"),
        ({"hostname": "gw.example", "control_api_hostname": "api.example"}, "api.example"),
    ],
)
async def test_views_of_the_settings_are_for_one_host(make_admin, settings, host):
    admin = make_admin(enable_config_inspection=True, **settings)
    for path in ("/config", "/env"):
        assert (await admin.call("GET", path, headers={"Host": f"{host}:8080"})).status_code == 200
        for secret in ("s3cret", ""):
            headers = {"Host": "other.example", "X-Tyk-Authorization": secret}
            answer = await admin.call("GET", path, headers=headers)
            assert (answer.status_code, answer.text) == (404, "Not Found")
    for path in ("/tyk/apis", "/hello", "/ready"):
        assert (await admin.call("GET", path, headers={"Host": "other.example"})).status_code == 200


async def test_bare_prefix_with_the_secret_redirects(admin):
    answer = await admin.call("GET", "/tyk/")
    assert (answer.status_code, answer.headers["location"]) == (301, "/")


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/tyk/apis"), ("DELETE", "/tyk/apis/"), ("POST", "/tyk/reload"), ("GET", "/tyk/cache/a")],
)
async def test_wrong_method(admin, method, path):
    assert await admin.said(method, path) == (405, "Method not supported")


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("GET", "/tyk/keys/create", "Key not found"),
        ("DELETE", "/tyk/keys/preview", "There is no such key found"),
        ("DELETE", "/tyk/apis/oas", "API not found"),
        ("GET", "/tyk/apis/oas/import", "API not found"),
        ("DELETE", "/tyk/apis/oas/export", "API not found"),
    ],
)
async def test_an_id_may_be_a_name_that_other_methods_have_a_use_for(admin, method, path, message):
    assert await admin.said(method, path) == (404, message)
    assert await admin.said("OPTIONS", path) == (405, "Method not supported")


async def test_trailing_slashes_are_trimmed(admin):
    assert (await admin.call("GET", "/tyk/apis///")).json() == []


@pytest.mark.parametrize("path", ["/tyk/apis", "/tyk/keys/create", "/tyk/policies", "/tyk/apis/oas", "/tyk/debug"])
async def test_long_bodies_are_refused_in_plain_text(make_admin, path):
    admin = make_admin(http_server_options={"max_request_body_size": 10})
    answer = await admin.call("POST", path, content=b"{" + b" " * 20 + b"}")
    assert (answer.status_code, answer.text) == (413, "Request Entity Too Large\n")

    async def pieces():
        for _ in range(5):
            yield b" " * 5

    assert (await admin.call("POST", path, content=pieces())).status_code == 413


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/tyk/apis"),
        ("POST", "/tyk/apis/oas"),
        ("POST", "/tyk/apis/oas/import"),
        ("POST", "/tyk/keys"),
        ("POST", "/tyk/keys/custom"),
        ("PUT", "/tyk/keys/custom"),
        ("POST", "/tyk/keys/policy/0123"),
        ("POST", "/tyk/org/keys/default"),
        ("POST", "/tyk/policies"),
        ("PUT", "/tyk/policies/p"),
        ("POST", "/tyk/debug"),
    ],
)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 5000, b'{"a":' * 400 + b"1" + b"}" * 400]
)
async def test_broken_json_gets_a_clear_answer(admin, method, path, body):
    status, message = await admin.said(method, path, content=body)
    assert 400 <= status < 500
    assert message


async def test_the_log_tells_of_a_failure_without_the_key_that_it_is_about(admin):
    async def away(*_arguments, **_options):
        raise StoreError("away")

    admin.node.keys.read = away
    logged = []
    admin.node.services.log = lambda level, message, **fields: logged.append((level, message, fields))
    assert (await admin.call("GET", "/tyk/keys/a-key-of-somebody")).status_code == 503
    where = {"prefix": "api", "method": "GET", "path": "/tyk/keys/{keyName}"}
    assert logged == [("error", "Store unavailable: away", where)]


async def test_a_fault_of_ours_is_a_500_in_the_envelope(admin):
    def broken():
        raise ZeroDivisionError("x")

    admin.node.health = broken
    assert await admin.said("GET", "/hello") == (500, "Unexpected failure")
