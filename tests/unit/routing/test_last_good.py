"""What a worker leaves to the one that takes its place."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.fakes.folder import read_folder
from tests.fakes.routes import make_reloader

from sluicegate.apidef.api import Api
from sluicegate.apidef.folder import DefinitionFolder
from sluicegate.apidef.policy_document import Policy
from sluicegate.listener.channel import Remember, encode
from sluicegate.routing.last_good import LastGood
from sluicegate.settings.model import Settings

NO_POLICIES: Mapping[str, Policy] = {}


class Supervisor:
    """Remembers; each worker begins with a copy."""

    def __init__(self) -> None:
        self.memory: dict[bytes, bytes] = {}
        self.told = 0

    def worker(self) -> LastGood:
        made = LastGood(dict(self.memory), Settings())
        made.tell = self.remember
        return made

    def remember(self, changed: Mapping[bytes, bytes | None]) -> None:
        self.told += len(changed)
        for name, value in changed.items():
            if value is None:
                del self.memory[name]
            else:
                self.memory[name] = value


class Node:
    """A folder of definitions, loaded by a worker."""

    def __init__(self, folder: Path, supervisor: Supervisor) -> None:
        self.folder, self.last_good = folder, supervisor.worker()
        self.reader, self.reloader = DefinitionFolder(folder), make_reloader()
        self.reader.on_parsed = self.last_good.see

    async def load(self) -> None:
        found = list(self.reader.read(self.reader.listed()))
        refused = [one for one in found if not isinstance(one, Api)]
        await self.reloader.load([one for one in found if isinstance(one, Api)], refused)
        await self.last_good.note(self.reloader.table.by_id, NO_POLICIES)

    def write(self, name: str, listen_path: str = "", **more: Any) -> None:
        proxy = {"listen_path": listen_path, "target_url": "http://a.test"}
        (self.folder / f"{name}.json").write_text(json.dumps({"api_id": name, "name": name, "proxy": proxy, **more}))

    def parsed(self) -> list[Api]:
        return read_folder(self.folder)[0]


def paths(apis: list[Api]) -> list[str]:
    return sorted(api.classic.proxy.listen_path for api in apis)


async def test_what_is_as_it_was_is_not_recalled(tmp_path: Path) -> None:
    node = Node(tmp_path, supervisor := Supervisor())
    node.write("a", "/a/")
    node.write("b", "/b/")
    await node.load()
    node.write("b", "/other/")
    (recalled,) = await supervisor.worker().apis(node.parsed())
    assert recalled.classic.proxy.listen_path == "/b/" and recalled.source == f"{tmp_path}/b.json"
    assert paths(await supervisor.worker().apis([])) == ["/a/", "/b/"], "the folder is empty"


async def test_what_was_refused_does_not_displace_what_is_in_force(tmp_path: Path) -> None:
    node = Node(tmp_path, supervisor := Supervisor())
    node.write("a", "/a/")
    await node.load()
    refused = {"extended_paths": {"ignored": [{"path": "(", "method_actions": {}}]}, "use_extended_paths": True}
    versions = {"not_versioned": True, "versions": {"Default": {"name": "Default", **refused}}}
    node.write("a", "/bad/", version_data=versions)
    await node.load()
    assert node.reloader.last.kept == ["a"], "it can be read, and not be built"
    assert paths(await supervisor.worker().apis(node.parsed())) == ["/a/"]


async def test_what_is_gone_is_forgotten_and_what_is_the_same_is_told_once(tmp_path: Path) -> None:
    node = Node(tmp_path, supervisor := Supervisor())
    node.write("a", "/a/")
    node.write("b", "/b/")
    await node.load()
    (tmp_path / "b.json").unlink()
    await node.load()
    assert len(supervisor.memory) == 1
    other = Node(tmp_path, supervisor)
    other.write("a")
    (tmp_path / "a.json").write_text("{")
    await other.reloader.change(await other.last_good.apis([]), ())
    await other.load()
    assert paths([route.api for route in other.reloader.table.routes]) == ["/a/"]
    assert len(supervisor.memory) == 1, "what a worker goes on with it leaves to the next"


async def test_a_document_comes_with_its_definition(tmp_path: Path) -> None:
    node = Node(tmp_path, supervisor := Supervisor())
    node.write("a", is_oas=True)
    server = {"listenPath": {"value": "/oas/"}}
    extension = {"info": {"name": "a", "id": "a"}, "server": server, "upstream": {"url": "http://a.test"}}
    document = {"openapi": "3.0.3", "info": {"title": "a", "version": "1"}, "paths": {}}
    (tmp_path / "a-oas.json").write_text(json.dumps({**document, "x-tyk-api-gateway": extension}))
    await node.load()
    before = node.reloader.table.by_id["a"].api
    (recalled,) = await supervisor.worker().apis([])
    assert recalled == before and recalled.oas is not None


async def test_policies_are_told_when_they_have_changed(tmp_path: Path) -> None:
    supervisor = Supervisor()
    worker = supervisor.worker()
    gold = {"gold.json": Policy(id="gold", rate=5)}
    for _ in range(2):
        await worker.note({}, dict(gold))
    assert supervisor.told == 1
    assert supervisor.worker().policies() == gold
    await worker.note({}, {})
    assert supervisor.worker().policies() == {}
    assert supervisor.worker().policies() == Supervisor().worker().policies()


async def test_a_name_of_a_file_may_be_any_bytes(tmp_path: Path) -> None:
    supervisor = Supervisor()
    node, name = Node(tmp_path, supervisor), os.fsdecode(b"caf\xe9")
    node.write(name, "/a/", api_id="cafe")
    await node.load()
    assert all(encode(Remember({name: packed})) for name, packed in supervisor.memory.items())
    node.write(name, "/b/", api_id="cafe")
    recalled = await supervisor.worker().apis(read_folder(tmp_path)[0])
    assert [api.classic.proxy.listen_path for api in recalled] == ["/a/"]


async def test_so_may_the_name_of_a_file_with_a_policy(tmp_path: Path) -> None:
    supervisor, place = Supervisor(), os.fsdecode(b"or\xe9.json")
    await supervisor.worker().note({}, {place: Policy(id="gold")})
    assert supervisor.worker().policies() == {place: Policy(id="gold")}
