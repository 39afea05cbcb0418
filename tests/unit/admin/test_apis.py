"""Classic definitions over the gateway API (contract 04.4): in force with their 200, and nothing half done."""

from __future__ import annotations

import json
import os

import pytest

MISMATCH = "Request APIID does not match that in Definition! For Update operations these must match."


def files(admin) -> list[str]:
    return sorted(path.name for path in (admin.node.folder / "apps").iterdir())


async def test_life_of_a_definition(admin, definition):
    added = await admin.call("POST", "/tyk/apis", definition())
    assert added.text == '{"key":"a1","status":"ok","action":"added"}\n'
    assert [api["api_id"] for api in (await admin.call("GET", "/tyk/apis")).json()] == ["a1"]
    modified = await admin.call("PUT", "/tyk/apis/a1", definition(name="<new> & better", unknown=1))
    assert modified.json() == {"key": "a1", "status": "ok", "action": "modified"}
    answer = await admin.call("GET", "/tyk/apis/a1")
    assert "\\u003cnew\\u003e \\u0026 better" in answer.text
    assert "unknown" not in answer.json()
    assert (admin.node.folder / "apps" / "a1.json").read_text().startswith('{\n  "')
    assert (await admin.call("DELETE", "/tyk/apis/a1")).json()["action"] == "deleted"
    assert files(admin) == []
    for method in ("GET", "PUT", "DELETE"):
        assert await admin.said(method, "/tyk/apis/a1") == (404, "API not found")


async def test_ids(admin, definition):
    made_up = (await admin.call("POST", "/tyk/apis", definition(""))).json()["key"]
    assert len(made_up) == 32
    assert (await admin.call("POST", "/tyk/apis/ignored", definition("with blank"))).json()["key"] == "with blank"
    for bad in ("../up", "a/b", "a\\b", "..", ".hidden", "x-oas", "a\0", "é" * 101):
        assert await admin.said("POST", "/tyk/apis", definition(bad)) == (400, "Invalid API ID")
    assert await admin.said("PUT", f"/tyk/apis/{made_up}", definition("")) == (400, MISMATCH)


async def test_little_is_validated(admin):
    key = (await admin.call("POST", "/tyk/apis", {})).json()["key"]
    assert (await admin.call("GET", f"/tyk/apis/{key}")).status_code == 200


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"use_keyless": "yes"}, "Request malformed"),
        (
            {"allowed_ips": ["nowhere"], "enable_ip_whitelisting": True},
            'Validation of API Definition failed. Reason: invalid IP/CIDR "nowhere".',
        ),
    ],
)
async def test_bad_definitions_change_nothing(admin, definition, fields, message):
    await admin.call("POST", "/tyk/apis", definition())
    for method, path in (("POST", "/tyk/apis"), ("PUT", "/tyk/apis/a1")):
        assert await admin.said(method, path, definition(name="other", **fields)) == (400, message)
    assert (await admin.call("GET", "/tyk/apis/a1")).json()["name"] == "a1"


async def test_what_the_node_refuses_is_put_back(admin, definition):
    await admin.call("POST", "/tyk/apis", definition())
    before = (admin.node.folder / "apps" / "a1.json").read_bytes()
    admin.node.refuses = {"a1": "a pattern is broken", "a2": "so is this"}
    expected = "Validation of API Definition failed. Reason: a pattern is broken."
    assert await admin.said("PUT", "/tyk/apis/a1", definition(name="other")) == (400, expected)
    assert (await admin.call("POST", "/tyk/apis", definition("a2", "/a2/"))).status_code == 400
    assert files(admin) == ["a1.json"]
    assert (admin.node.folder / "apps" / "a1.json").read_bytes() == before


async def test_a_full_disk_changes_nothing(admin, definition, monkeypatch):
    await admin.call("POST", "/tyk/apis", definition())

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    expected = (500, "file object creation failed, write error")
    assert await admin.said("PUT", "/tyk/apis/a1", definition(name="other")) == expected
    assert await admin.said("POST", "/tyk/apis", definition("a2")) == expected
    assert files(admin) == ["a1.json"]
    assert (await admin.call("GET", "/tyk/apis/a1")).json()["name"] == "a1"


async def test_a_folder_that_is_not_there(admin, definition, monkeypatch):
    (admin.node.folder / "apps").rmdir()
    assert (await admin.call("POST", "/tyk/apis", definition())).status_code == 500


async def test_files_with_other_names_are_changed_in_place(admin, definition):
    (admin.node.folder / "apps" / "mine.json").write_text(json.dumps(definition()))
    await admin.node.reload()
    assert (await admin.call("PUT", "/tyk/apis/a1", definition(name="new"))).status_code == 200
    assert files(admin) == ["mine.json"]
    assert (await admin.call("DELETE", "/tyk/apis/a1")).status_code == 200
    assert files(admin) == []


async def test_delete_of_a_file_that_is_gone(admin, definition):
    await admin.call("POST", "/tyk/apis", definition())
    (admin.node.folder / "apps" / "a1.json").unlink()
    assert await admin.said("DELETE", "/tyk/apis/a1") == (500, "Delete failed")


async def test_mcp_proxies_are_hidden_unless_asked_for(admin, definition):
    await admin.call("POST", "/tyk/apis", definition("m", "/m/", application_protocol="mcp"))
    assert (await admin.call("GET", "/tyk/apis")).json() == []
    assert len((await admin.call("GET", "/tyk/apis?include_types=mcp")).json()) == 1


async def test_definitions_of_a_dashboard(make_admin, definition):
    admin = make_admin(use_db_app_configs=True)
    expected = (500, "Due to enabled use_db_app_configs, please use the Dashboard API")
    for method, path in (("POST", "/tyk/apis"), ("PUT", "/tyk/apis/a1"), ("POST", "/tyk/apis/oas")):
        assert await admin.said(method, path, definition()) == expected


class TestVersions:
    """A base and its children."""

    query = "base_api_id=base&new_version_name=v2&base_api_version_name=v1"

    @pytest.fixture
    async def base(self, admin, definition):
        await admin.call("POST", "/tyk/apis", definition("base", "/base/"))
        return admin

    async def test_a_child_is_named_by_its_base(self, base, definition):
        path = f"/tyk/apis?{self.query}&set_default=true"
        assert (await base.call("POST", path, definition("child", "/c/"))).json()["key"] == "child"
        versions = (await base.call("GET", "/tyk/apis/base")).json()["definition"]
        assert (versions["enabled"], versions["name"], versions["default"]) == (True, "v1", "v2")
        assert (versions["location"], versions["key"], versions["versions"]) == (
            "header",
            "x-api-version",
            {"v2": "child"},
        )
        assert (await base.call("GET", "/tyk/apis/child")).headers["x-tyk-base-api-id"] == "base"
        assert "x-tyk-base-api-id" not in (await base.call("GET", "/tyk/apis/base")).headers
        listed = (await base.call("GET", "/tyk/apis/base/versions")).json()
        assert listed["status"] == "success"
        assert [(one["id"], one["versionName"], one["isDefaultVersion"]) for one in listed["apis"]] == [
            ("base", "v1", False),
            ("child", "v2", True),
        ]
        assert [
            one["id"] for one in (await base.call("GET", "/tyk/apis/base/versions?searchText=V2")).json()["apis"]
        ] == ["child"]
        assert (await base.call("GET", "/tyk/apis/base/versions?accessType=internal")).json()["apis"] == []

    async def test_a_child_that_goes_leaves_its_base(self, base, definition):
        await base.call("POST", f"/tyk/apis?{self.query}&set_default=true", definition("child", "/c/"))
        assert (await base.call("DELETE", "/tyk/apis/child")).status_code == 200
        versions = (await base.call("GET", "/tyk/apis/base")).json()["definition"]
        assert (versions["versions"], versions["default"]) == ({}, "v1")

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("base_api_id=base", (422, "The new version name is required")),
            ("base_api_id=none&new_version_name=v2", (400, "none is not a valid Base API version")),
            (
                "base_api_id=base&new_version_name=v2",
                (400, "you need to provide a version name for the new Base API: base"),
            ),
        ],
    )
    async def test_refusals(self, base, definition, query, expected):
        assert await base.said("POST", f"/tyk/apis?{query}", definition("child", "/c/")) == expected

    async def test_versions_of_nothing(self, admin):
        assert await admin.said("GET", "/tyk/apis/none/versions") == (404, "API not found")
