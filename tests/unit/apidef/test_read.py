"""Definitions and policies from texts and folders (contract 02.0, 03.3)."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.folder import read_folder, read_policies

from sluicegate.apidef.api import Api
from sluicegate.apidef.folder import DefinitionFolder
from sluicegate.apidef.policy_files import policies_in_file, policies_in_folder
from sluicegate.apidef.read import read_api
from sluicegate.errors import ConfigError

GOOD = {"api_id": "a", "proxy": {"listen_path": "/a/", "target_url": "http://t"}}
DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "t", "version": "1"},
    "paths": {},
    "x-tyk-api-gateway": {
        "info": {"id": "o", "name": "o", "state": {"active": True}},
        "upstream": {"url": "http://up"},
        "server": {"listenPath": {"value": "/o/"}},
    },
}


def read(classic: Any, oas: Any = None, **secrets: str) -> Api:
    companion = None if oas is None else json.dumps(oas).encode()
    return read_api(json.dumps(classic).encode(), companion, "x.json", secrets)


def test_a_classic_definition() -> None:
    api = read(GOOD)
    assert (api.api_id, api.classic.proxy.listen_path, api.oas, api.problem) == ("a", "/a/", None, "")


@pytest.mark.parametrize(
    ("proxy", "problem"),
    [
        ({}, "the listen path is empty"),
        ({"listen_path": "/a b/"}, "the listen path contains a space"),
        ({"listen_path": "a/"}, "the listen path must start with a slash"),
        ({"listen_path": "/a/", "target_url": "http://[::1"}, "the target URL cannot be parsed"),
        ({"listen_path": "/a/", "target_url": "http://t:x"}, "the target URL cannot be parsed"),
    ],
)
def test_what_is_listed_but_not_routed(proxy: dict[str, str], problem: str) -> None:
    assert read({"proxy": proxy}).problem.startswith(problem)


def test_the_checksum_is_the_same_only_if_nothing_changed() -> None:
    assert read(GOOD).checksum == read(GOOD).checksum
    assert read(GOOD).checksum != read({**GOOD, "name": "other"}).checksum
    assert read(GOOD, DOCUMENT).checksum != read(GOOD, {**DOCUMENT, "paths": {"/x": {}}}).checksum


def test_a_definition_that_names_a_listen_path_counts_before_its_document() -> None:
    api = read({**GOOD, "is_oas": True, "name": "classic"}, DOCUMENT)
    assert (api.api_id, api.classic.name, api.classic.is_oas, api.oas) == ("a", "classic", True, DOCUMENT)


@pytest.mark.parametrize(("classic", "oas"), [({"is_oas": True}, DOCUMENT), (DOCUMENT, None)])
def test_otherwise_everything_is_taken_from_the_document(classic: Any, oas: Any) -> None:
    api = read(classic, oas)
    assert (api.api_id, api.classic.proxy.listen_path, api.classic.proxy.target_url) == ("o", "/o/", "http://up")
    assert api.classic.is_oas
    assert api.oas == DOCUMENT


def test_our_load_balancing_is_read_from_the_document_in_any_case() -> None:
    document = json.loads(json.dumps(DOCUMENT))
    targets = [{"url": "http://a", "weight": 3}, {"url": "http://b", "weight": 1}]
    document["x-tyk-api-gateway"]["upstream"]["loadBalancing"] = {
        "enabled": True,
        "targets": targets,
        "algorithm": "least_connections",
    }
    proxy = {"listen_path": "/a/", "enable_load_balancing": True, "target_list": ["http://a"] * 3 + ["http://b"]}
    balancing = read({"is_oas": True, "proxy": proxy}, document).classic.proxy.load_balancing
    assert balancing is not None
    assert (balancing.algorithm, list(balancing.weights)) == ("least_connections", [3, 1])


def test_references_are_put_in_before_parsing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MY_NAME", 'quote " and \\')
    text = {"name": "env://MY_NAME", "slug": "env://NOT_SET", "domain": "a.secrets://zone.b", "expiration": "file://f"}
    (tmp_path / "f").write_text("from file\n")
    classic = read_api(
        json.dumps(text).encode(), None, "x", {"zone": "z", "zone2": "y"}, environ=os.environ, file_base=str(tmp_path)
    ).classic
    assert classic.name == 'quote " and \\'
    assert classic.slug == "env://NOT_SET"
    assert classic.domain == "a.z.b"
    assert classic.expiration == "from file"


def test_a_file_reference_does_not_lead_out_of_its_folder(tmp_path: Path) -> None:
    api = read_api(b'{"name":"file://../../etc/passwd"}', None, "x", {}, file_base=str(tmp_path))
    assert api.classic.name == "file://../../etc/passwd"


@pytest.mark.parametrize(
    "oas", [[], {"openapi": ""}, {"openapi": "3.0.3", "paths": []}, {"openapi": "3", "x-tyk-api-gateway": {"info": 1}}]
)
def test_a_broken_document_is_refused(oas: Any) -> None:
    with pytest.raises(ConfigError):
        read({"is_oas": True}, oas)


def write(folder: Path, **files: Any) -> None:
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{name.replace('__', '-')}.json").write_text(text)


def test_one_bad_file_hurts_no_other(tmp_path: Path) -> None:
    write(tmp_path, a=GOOD, b="{", c={"use_keyless": "x"}, d={"api_id": "d", "is_oas": True}, o__oas=DOCUMENT)
    (tmp_path / "readme.txt").write_text("not a definition")
    apis, errors = read_folder(tmp_path)
    assert [api.api_id for api in apis] == ["a"]
    assert [Path(error.where.partition(":")[0]).name for error in errors] == ["b.json", "c.json", "d.json"]
    assert "d-oas.json cannot be read" in errors[2].what


def test_companions_are_found(tmp_path: Path) -> None:
    write(tmp_path, o={"is_oas": True}, o__oas=DOCUMENT, m={"is_oas": True, "application_protocol": "mcp"})
    document = json.loads(json.dumps(DOCUMENT))
    document["x-tyk-api-gateway"]["info"]["id"] = "mcp"
    write(tmp_path, m__mcp=document)
    apis, errors = read_folder(tmp_path)
    assert ([api.api_id for api in apis], errors) == (["mcp", "o"], [])


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    write(tmp_path, a=GOOD)
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    apis, errors = read_folder(tmp_path)
    assert [api.api_id for api in apis] == ["a"]
    assert [Path(error.where).name for error in errors] == ["folder.json", "pipe.json"]
    assert all(error.what == "the file cannot be read: not a regular file" for error in errors)
    policies, refused = read_policies(policies_in_folder(tmp_path))
    assert list(policies) == ["a"] and [error.what for error in refused] == [error.what for error in errors]


def test_an_id_belongs_to_the_first_file(tmp_path: Path) -> None:
    write(tmp_path, a=GOOD, b=GOOD)
    apis, errors = read_folder(tmp_path)
    assert [Path(api.source).name for api in apis] == ["a.json"]
    assert 'the api_id "a" is taken by a.json' in errors[0].what


def test_a_missing_folder_is_said_and_an_empty_one_is_empty(tmp_path: Path) -> None:
    assert read_folder(tmp_path) == ([], [])
    with pytest.raises(ConfigError, match="the folder cannot be read"):
        read_folder(tmp_path / "none")


def test_files_that_did_not_change_are_not_parsed_twice(tmp_path: Path) -> None:
    write(tmp_path, a=GOOD, b={**GOOD, "api_id": "b"})
    for name in ("a.json", "b.json"):
        os.utime(tmp_path / name, (1, 1))
    folder = DefinitionFolder(tmp_path)
    first = list(folder.read(folder.listed()))
    write(tmp_path, b={**GOOD, "api_id": "b", "name": "new"})
    second = list(folder.read(folder.listed()))
    assert second[0] is first[0]
    assert isinstance(second[1], Api)
    assert second[1].classic.name == "new"
    third = list(folder.read(folder.listed()))
    assert third[1] is not second[1], "just changed: its time may not tell two changes apart"


def test_policies_of_a_file_have_the_ids_of_the_map(tmp_path: Path) -> None:
    place = tmp_path / "policies.json"
    place.write_text('{"p1":{"id":"other","rate":1},"p2":{"rate":"x"}}')
    policies, errors = read_policies(policies_in_file(place))
    assert {name: policy.id for name, policy in policies.items()} == {"p1": "p1"}
    assert "p2" in errors[0].where
    place.write_text("[]")
    with pytest.raises(ConfigError, match="expected a map"):
        read_policies(policies_in_file(place))
    with pytest.raises(ConfigError, match="cannot be read"):
        read_policies(policies_in_file(tmp_path / "none.json"))


def test_policies_of_a_folder(tmp_path: Path) -> None:
    write(tmp_path, one={"id": "p1"}, two={"_id": "p2"}, three={}, four="{")
    policies, errors = read_policies(policies_in_folder(tmp_path))
    assert {name: policy.id for name, policy in policies.items()} == {"p1": "p1", "p2": "p2", "three": "three"}
    assert [Path(error.where).name for error in errors] == ["four.json"]


@given(st.binary(max_size=200) | st.text('{}[]":,env://secrets:x-tyk', max_size=60).map(str.encode), st.booleans())
def test_any_text_is_read_or_refused(data: bytes, is_document: bool) -> None:
    try:
        read_api(b'{"is_oas":true}' if is_document else data, data if is_document else None, "x", {"k": "v"})
    except ConfigError:
        pass


def test_a_policy_whose_file_has_a_name_that_is_no_text_needs_an_id(tmp_path: Path) -> None:
    for name, text in ((b"caf\xe9", "{}"), (b"th\xe9", '{"id": "tea"}')):
        (tmp_path / os.fsdecode(name + b".json")).write_text(text)
    policies, errors = read_policies(policies_in_folder(tmp_path))
    assert (list(policies), [error.what for error in errors]) == (["tea"], ["the name of the file is no text"])
