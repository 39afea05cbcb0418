"""The verbs for what the cluster shares, as an operator types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.gateway import until
from tests.nodes import mock, node, said

from sluicegate.cluster.documents import State
from sluicegate.cluster.snapshot import Snapshot
from sluicegate.store import names

POLICY: dict[str, Any] = {"id": "gold", "rate": 5, "per": 1, "active": True}
OAS: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "pets", "version": "1"},
    "paths": {},
    "x-tyk-api-gateway": {
        "info": {"id": "pets", "name": "pets", "state": {"active": True}},
        "server": {"listenPath": {"value": "/pets/", "strip": True}},
        "upstream": {"url": "http://127.0.0.1:1/"},
    },
}


class Operator:
    """Somebody with a shell, the settings of a node, and a directory of documents."""

    def __init__(self, folder: Path, storage: dict[str, Any]) -> None:
        self.conf, self.documents = folder / "tyk.conf", folder / "documents"
        self.folder = folder
        conf = {
            "cluster": {"enabled": True},
            "storage": storage,
            "node_secret": "shared",
            "app_path": str(folder / "apps"),
            "sluicegate": {"store_path": str(folder / "store.db")},
        }
        (folder / "apps").mkdir()
        self.conf.write_text(json.dumps(conf))
        for name in ("apis", "policies"):
            (self.documents / name).mkdir(parents=True)

    def write(self, name: str, document: Any) -> None:
        text = document if isinstance(document, str) else json.dumps(document, indent=4)
        (self.documents / name).write_text(text)

    def run(self, *words: str) -> tuple[int, str]:
        line = [str(Path(sys.executable).with_name("sluicegate")), words[0], "--conf", str(self.conf), *words[1:]]
        done = subprocess.run(line, capture_output=True, text=True, cwd=self.folder)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    def apply(self, *options: str) -> tuple[int, str]:
        return self.run("apply", str(self.documents), *options)


@pytest.fixture(params=["redis", "embedded"])
def operator(request, tmp_path):
    storage = {"type": "embedded"}
    if request.param == "redis":
        port = request.getfixturevalue("redis_server").port
        storage = {"type": "redis", "host": "127.0.0.1", "port": port}
    made = Operator(tmp_path, storage)
    made.write("apis/a.json", mock("/a/", "1"))
    made.write("apis/pets.json", {"api_id": "pets", "is_oas": True})
    made.write("apis/pets-oas.json", OAS)
    made.write("policies/gold.json", POLICY)
    return made


def test_a_directory_is_brought_in_and_out_again(operator, tmp_path):
    assert operator.apply("--dry-run") == (3, "+ api/a\n+ api/pets\n+ policy/gold\n3 to be changed\n")
    assert operator.apply() == (0, "+ api/a\n+ api/pets\n+ policy/gold\n3 changed, generation 1\n")
    assert operator.apply() == (0, "0 changed, generation 1\n")
    assert operator.run("diff", str(operator.documents)) == (0, "")
    out = tmp_path / "out"
    assert operator.run("dump", str(out)) == (0, "3 documents\n")
    assert sorted(str(file.relative_to(out)) for file in out.rglob("*.json")) == [
        "apis/a.json",
        "apis/pets-oas.json",
        "apis/pets.json",
        "policies/gold.json",
        "settings.json",
    ]
    assert json.loads((out / "settings.json").read_text()) == {}, "none are shared"
    assert json.loads((out / "apis/pets-oas.json").read_text()) == OAS
    assert operator.run("apply", str(out)) == (0, "0 changed, generation 1\n")


def test_history_differences_and_the_way_back(operator, tmp_path):
    operator.apply()
    operator.write("apis/a.json", mock("/a/", "2"))
    (operator.documents / "policies/gold.json").unlink()
    status, text = operator.run("diff", str(operator.documents))
    assert status == 3
    assert operator.apply() == (0, "~ api/a\n1 changed, generation 2\n")
    assert operator.apply("--prune") == (0, "- policy/gold\n1 changed, generation 3\n")
    status, text = operator.run("history", "--json")
    heads = json.loads(text)
    assert [head["generation"] for head in heads] == [3, 2, 1]
    assert heads[1]["changes"] == [{"kind": "api", "id": "a", "action": "modified"}]
    assert "@" in heads[0]["author"]
    assert "    - policy/gold" in operator.run("history", "--limit", "1")[1]
    status, text = operator.run("diff", "1", "3")
    assert status == 3
    assert "b/api/a" in text
    assert "a/policy/gold" in text
    assert "api/pets" not in text
    assert operator.run("rollback", "1") == (0, "generation 4\n")
    assert operator.run("diff", "1") == (0, "")
    assert operator.run("dump", str(tmp_path / "out"), "--generation", "3")[0] == 0
    assert not (tmp_path / "out/policies/gold.json").exists()
    assert operator.run("rollback", "99")[0] == 1


def test_settings_are_brought_in_and_taken_back(operator, tmp_path):
    operator.write("settings.json", {"min_token_length": 4})
    assert operator.apply()[1].endswith("+ policy/gold\n+ settings/gateway\n4 changed, generation 1\n")
    assert operator.apply() == (0, "0 changed, generation 1\n")
    out = tmp_path / "out"
    assert operator.run("dump", str(out)) == (0, "4 documents\n")
    assert json.loads((out / "settings.json").read_text()) == {"min_token_length": 4}
    operator.write("settings.json", {"min_token_length": 5})
    status, text = operator.run("diff", str(operator.documents))
    assert status == 3
    assert text.splitlines()[:2] == ["--- a/settings/gateway", "+++ b/settings/gateway"]
    assert operator.apply() == (0, "~ settings/gateway\n1 changed, generation 2\n")
    (operator.documents / "settings.json").unlink()
    assert operator.apply("--prune") == (0, "0 changed, generation 2\n"), "nothing is said about settings"
    operator.write("settings.json", {})
    assert operator.apply() == (0, "0 changed, generation 2\n")
    assert operator.apply("--prune") == (0, "- settings/gateway\n1 changed, generation 3\n")
    assert operator.run("rollback", "1") == (0, "generation 4\n")
    assert operator.run("diff", str(out)) == (0, "")
    assert "    + settings/gateway" in operator.run("history", "--limit", "1")[1]


def test_a_directory_may_hold_settings_alone(operator, tmp_path):
    operator.apply()
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "settings.json").write_text('{"min_token_length": 4}')
    assert operator.run("apply", "--prune", str(alone)) == (0, "+ settings/gateway\n1 changed, generation 2\n")
    (alone / "b.json").write_text(json.dumps(mock("/b/", "1")))
    assert operator.run("apply", str(alone)) == (0, "+ api/b\n1 changed, generation 3\n"), "a folder of definitions"


def test_settings_that_cannot_be_shared_are_refused_by_line(operator):
    operator.write("settings.json", '{\n"listen_port": 1,\n"min_token_lenght": 2}')
    status, text = operator.apply()
    assert status == 1
    assert "settings.json:2: listen_port: is not shared: it says who a node is" in text
    assert "settings.json:3: min_token_lenght: unknown setting; did you mean min_token_length?" in text
    operator.write("settings.json", {"proxy_ssl_ciphers": ["TLS_OF_NOBODY"]})
    assert operator.apply()[0] == 0, "no API goes by it"
    operator.write("apis/a.json", {**mock("/a/", "1"), "proxy": {"listen_path": "/a/", "target_url": "https://x/"}})
    status, text = operator.apply()
    assert status == 1, "an API is tried with the settings that are shared"
    operator.write("settings.json", {"min_token_length": 4})
    assert operator.apply()[0] == 0
    operator.write("settings.json", {"proxy_ssl_ciphers": ["TLS_OF_NOBODY"]})
    assert operator.apply()[0] == 1, "and settings with the APIs"


def test_what_is_wrong_is_said_and_nothing_is_written(operator):
    operator.write("apis/broken.json", "{")
    operator.write("policies/bad.json", '{"rate": "x"}')
    status, text = operator.apply()
    assert (status, text.count("error: ")) == (1, 2)
    operator.write("apis/broken.json", mock("/a/", "1", api_id="other"))
    (operator.documents / "policies/bad.json").unlink()
    status, text = operator.apply()
    assert status == 1
    assert "/a/ is taken by the API" in text
    operator.write("apis/broken.json", {**mock("/b/", "1"), "proxy": {"listen_path": "/b/", "target_url": "ftp://x"}})
    assert operator.apply()[0] == 1
    assert operator.run("history") == (0, "")
    assert operator.run("apply", "nowhere")[0] == 1


def test_check_names_what_is_in_both(operator):
    operator.apply()
    (operator.folder / "apps/a.json").write_text(json.dumps(mock("/a/", "file")))
    status, text = operator.run("check")
    assert status == 0
    assert "warning: api/a: is in files of this node and in the cluster; the cluster's is served" in text


def test_check_names_settings_that_the_cluster_has_otherwise(operator):
    operator.write("settings.json", {"min_token_length": 4, "allow_master_keys": True})
    operator.apply()
    conf = json.loads(operator.conf.read_text())
    operator.conf.write_text(json.dumps({**conf, "min_token_length": 3, "allow_master_keys": True}))
    status, text = operator.run("check")
    assert status == 0
    assert "1: min_token_length: is otherwise in the settings of the cluster, which are served" in text
    assert "allow_master_keys" not in text


def test_a_running_node_follows(redis_server, tmp_path):
    with node(tmp_path / "node", redis_server) as one:
        operator = Operator(tmp_path, {"type": "redis", "host": "127.0.0.1", "port": redis_server.port})
        operator.write("apis/a.json", mock("/a/", "1"))
        assert operator.apply()[0] == 0
        until(lambda: said(one, "/a/") == b"1")
        operator.write("apis/a.json", mock("/a/", "2"))
        assert operator.apply()[0] == 0
        until(lambda: said(one, "/a/") == b"2")
        assert operator.run("rollback", "1")[0] == 0
        until(lambda: said(one, "/a/") == b"1")
        operator.write("settings.json", {"http_server_options": {"skip_url_cleaning": True}})
        assert said(one, "/a//") == 301
        assert operator.apply()[0] == 0
        until(lambda: said(one, "/a//") == b"2")
        assert "invalid" not in one.log


def test_with_the_store_away_it_says_so(tmp_path):
    operator = Operator(tmp_path, {"type": "redis", "host": "127.0.0.1", "port": 1, "timeout": 1})
    operator.write("apis/a.json", mock("/a/", "1"))
    for words in (["history"], ["apply", str(operator.documents)], ["dump", "out"]):
        status, text = operator.run(*words)
        assert (status, text.count("error: ")) == (1, 1)
        assert "cannot be reached" in text


def test_without_a_cluster_there_is_nothing_to_write_to(tmp_path):
    operator = Operator(tmp_path, {"type": "embedded"})
    operator.conf.write_text("{}")
    status, text = operator.run("history")
    assert status == 1
    assert "cluster.enabled" in text


def test_apply_writes_all_of_it_to_a_store_that_lost_something(redis_server, tmp_path):
    operator = Operator(tmp_path, {"type": "redis", "host": "127.0.0.1", "port": redis_server.port})
    operator.write("apis/a.json", mock("/a/", "1"))
    operator.write("policies/gold.json", POLICY)
    operator.apply()
    redis_server.command("HDEL", names.CLUSTER_DOCUMENTS, "api/a")
    assert operator.apply() == (0, "~ api/a\n~ policy/gold\n2 changed, generation 2\n")
    assert operator.apply() == (0, "0 changed, generation 2\n")
    assert operator.run("dump", str(tmp_path / "dump")) == (0, "2 documents\n")


def test_restore_puts_nothing_old_over_what_a_store_has_left(redis_server, tmp_path):
    operator = Operator(tmp_path, {"type": "redis", "host": "127.0.0.1", "port": redis_server.port})
    Snapshot(tmp_path / "store.snapshot").save(State(generation=1), {})
    for number in range(2):
        operator.write("apis/a.json", mock("/a/", str(number)))
        operator.apply()
    assert operator.run("restore")[0] == 4, "all is there"
    redis_server.command("HDEL", names.CLUSTER_INDEX, "api/a")
    status, text = operator.run("restore")
    assert (status, "older than what the store has left: generation 2" in text) == (1, True), text


@pytest.mark.parametrize("wrong", ["a/b", "..", "a-oas", "a\0b", "x" * 250])
def test_apply_takes_no_id_that_dump_could_not_write(tmp_path, wrong):
    operator = Operator(tmp_path, {"type": "embedded"})
    operator.write("apis/a.json", {**mock("/a/", "1"), "api_id": wrong})
    assert operator.apply() == (1, f"error: {operator.documents}/apis/a.json: the id {wrong!r} cannot name a file "
                                   "(give it another one)\n")  # fmt: skip
    operator.write("apis/a.json", mock("/a/", "1"))
    operator.write("policies/p.json", {**POLICY, "id": wrong})
    written = operator.apply()
    assert written[0] == (0 if wrong in ("..", "a-oas") else 1), "policies have no files beside theirs"
    assert operator.run("dump", str(tmp_path / "dump"))[0] == 0
    if not written[0]:
        operator.documents = tmp_path / "dump"
        assert operator.apply("--prune") == (0, "0 changed, generation 1\n")
