"""What only a store over the network has: passwords, TLS, deadlines, and coming back."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
import uvloop
from msgspec.structs import replace as changed
from tests.gateway import until
from tests.servers import free_port, free_ports, running_redis
from tests.topologies import MASTER, PATIENCE_S, TOPOLOGIES, options_for, running_sentinels

from sluicegate.errors import ConfigError, StoreError
from sluicegate.settings.storage import StorageOptions
from sluicegate.store.backend import Master
from sluicegate.store.redis import RedisBackend, Script
from sluicegate.store.redis.backend import SCRIPTS
from sluicegate.store.redis.link import Refused
from sluicegate.store.redis.options import RedisOptions, redis_options

DOCUMENTS = (Path(__file__).parents[3] / "docs" / "stores.md").read_text()


async def back(backend: RedisBackend) -> None:
    """Return when the store answers again."""
    while not (await backend.health()).reachable:  # noqa: ASYNC110 - the port has no event for it
        await asyncio.sleep(0.01)


async def test_it_tells_of_its_masters_and_their_replicas(any_redis):
    await back(any_redis)
    masters = await any_redis.masters()
    assert [(len(masters), {one.replicas for one in masters})] == [
        {"single": (1, {0}), "sentinel": (1, {1}), "cluster": (3, {1})}[any_redis.topology]
    ]
    assert len({one.address for one in masters}) == len(masters)


async def test_without_the_right_to_ask_nobody_knows_of_replicas(tmp_path):
    users = ["--user", "gate", "on", ">let-me-in", "~*", "&*", "+@all", "-info"]
    with running_redis(tmp_path, *users) as server:
        storage = StorageOptions(host="127.0.0.1", port=server.port, username="gate", password="let-me-in")
        backend = RedisBackend(redis_options(storage))
        await back(backend)
        assert await backend.masters() == [Master(f"127.0.0.1:{server.port}", None)]
        server.kill()
        assert await backend.masters() == []
        await backend.close()


async def test_user_password_and_database_are_used(tmp_path):
    users = ["--user", "gate", "on", ">let-me-in", "~*", "&*", "+@all", "--user", "default", "off"]
    with running_redis(tmp_path, *users) as server:
        storage = StorageOptions(host="127.0.0.1", port=server.port, username="gate", password="let-me-in", database=3)
        backend = RedisBackend(redis_options(storage))
        await backend.set("a", b"1")
        uri = f"redis://gate:let-me-in@127.0.0.1:{server.port}/3"
        assert server.command("--no-auth-warning", "-u", uri, "GET", "a") == "1"
        await backend.close()

        wrong = RedisBackend(RedisOptions((("127.0.0.1", server.port),), (("AUTH", "gate", "wrong"),)))
        with pytest.raises(StoreError, match="refused to let us in") as caught:
            await wrong.get("a")
        assert "wrong" not in str(caught.value).replace("WRONGPASS", "")
        await wrong.close()


async def test_a_user_needs_no_more_rights_than_the_documents_say(any_redis_servers):
    """All commands of the port, by a user with the rights that docs/stores.md names."""
    documented = next(line for line in DOCUMENTS.splitlines() if "ACL SETUSER" in line).split()
    rights = [word.replace("PASSWORD", "let-me-in") for word in documented[3:]]
    options, servers = any_redis_servers
    for server in servers:
        server.command("ACL", "SETUSER", "gateway", *rights)
    backend = RedisBackend(replace(options, greeting=(("AUTH", "gateway", "let-me-in"),)))
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    backend.subscribe("news", heard.put_nowait)
    while heard.empty():
        await backend.publish("news", b"1")
        await asyncio.sleep(0)
    await backend.set("a", b"1", 5)
    await backend.add("a", b"1")
    await backend.expire("a", await backend.ttl_s("a"))
    await backend.list_append("l", b"1")
    await backend.sorted_add("z", b"a", 1)
    assert await backend.sorted_range("z", 0, 5) == [(b"a", 1.0)]
    assert len(await backend.scan("")) == 3
    for script in map(Script, sorted(path.stem for path in SCRIPTS.glob("*.lua"))):
        with contextlib.suppress(Refused):  # of the script's own making: it was given nonsense
            await backend.run(script, ["{x}1", "{x}2"], b"1", b"1", b"1", b"1", b"1", b"1")
    assert all(server.command("ACL", "LOG") == "" for server in servers)
    assert await backend.delete("a", "l") == 2
    await backend.close()


async def test_a_store_that_is_full_refuses_writes_and_is_read(redis_server):
    backend = RedisBackend(redis_server.options)
    await backend.set("a", b"1")
    redis_server.command("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(StoreError, match="OOM"):
        await backend.set("b", b"2")
    assert await backend.mget(["a", "b"]) == [b"1", None]
    redis_server.command("CONFIG", "SET", "maxmemory", "0")
    await backend.set("b", b"2")
    await backend.close()


@pytest.fixture(params=TOPOLOGIES)
def any_redis_servers(request):
    """Each kind of Redis: how to reach it, and its servers."""
    options = options_for(request.param, request)
    if request.param == "single":
        return options, [request.getfixturevalue("redis_server")]
    return options, request.getfixturevalue("sentinels" if request.param == "sentinel" else "cluster").servers


@pytest.fixture
def tls(tmp_path):
    """Certificates in files, and the options of a server that shows them and asks for one."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for name in ("server", "client"):
        certificate = authority.issue_cert("127.0.0.1")
        certificate.private_key_pem.write_to_path(str(tmp_path / f"{name}-key.pem"))
        certificate.cert_chain_pems[0].write_to_path(str(tmp_path / f"{name}.pem"))
    files = {"ca-cert-file": "ca.pem", "cert-file": "server.pem", "key-file": "server-key.pem"}
    return [word for name, file in files.items() for word in (f"--tls-{name}", file)]


def over_tls(folder, port: int, **more) -> StorageOptions:
    files = {"ca_file": "ca.pem", "cert_file": "client.pem", "key_file": "client-key.pem"}
    paths = {name: str(folder / file) for name, file in files.items()}
    return StorageOptions(host="127.0.0.1", port=port, use_ssl=True, **(paths | more))


async def outcome(storage: StorageOptions) -> str:
    """Return `written`, or why a value could not be written and read."""
    backend = RedisBackend(redis_options(storage))
    try:
        await backend.set("a", b"1")
        assert await backend.get("a") == b"1"
    except StoreError as error:
        return str(error)
    finally:
        await backend.close()
    return "written"


async def test_tls_is_verified_on_both_sides(tmp_path, tls):
    port = free_port()
    with running_redis(tmp_path, "--tls-port", str(port), *tls, "--tls-protocols", "TLSv1.2"):
        assert await outcome(over_tls(tmp_path, port)) == "written"
        assert "cannot be reached" in await outcome(over_tls(tmp_path, port, ca_file=""))
        assert await outcome(over_tls(tmp_path, port, ca_file="", ssl_insecure_skip_verify=True)) == "written"
        assert "cannot be reached" in await outcome(over_tls(tmp_path, port, cert_file="", key_file=""))
        assert "cannot be reached" in await outcome(over_tls(tmp_path, port, tls_min_version="1.3"))
        assert await outcome(over_tls(tmp_path, port, tls_max_version="1.2")) == "written"


async def test_a_cluster_is_reached_over_tls(tmp_path, tls):
    port, bus = free_ports(2)
    options = ["--cluster-enabled", "yes", "--cluster-port", str(bus), "--tls-port", str(port), *tls]
    with running_redis(tmp_path, *options, "--tls-cluster", "yes") as server:
        server.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        until(lambda: "cluster_state:ok" in server.command("CLUSTER", "INFO"), patience_s=PATIENCE_S)
        assert await outcome(over_tls(tmp_path, port, enable_cluster=True)) == "written"


async def test_sentinels_and_the_master_have_passwords_of_their_own(tmp_path):
    with running_sentinels(tmp_path, "of-the-master", "of-the-sentinels") as servers:
        addresses = [f"127.0.0.1:{sentinel.port}" for sentinel in servers.sentinels]
        storage = StorageOptions(addrs=addresses, master_name=MASTER, password="of-the-master")
        assert await outcome(changed(storage, sentinel_password="of-the-sentinels")) == "written"
        assert "no Sentinel knows the master" in await outcome(storage)


async def test_the_wrong_topology_is_named(cluster, redis_server):
    wrong = RedisBackend(cluster.servers[0].options)
    with pytest.raises(StoreError, match="set enable_cluster"):
        await asyncio.gather(*(wrong.get(f"k{number}") for number in range(10)))
    await wrong.close()
    wrong = RedisBackend(replace(redis_server.options, is_cluster=True))
    with pytest.raises(StoreError, match="cluster support disabled"):
        await wrong.get("a")
    await wrong.close()


async def test_a_store_that_is_away_is_an_error_at_once_and_comes_back(tmp_path):
    port = free_port()
    backend = RedisBackend(RedisOptions((("127.0.0.1", port),)))
    gaps = []
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    with pytest.raises(StoreError, match="cannot be reached"):
        await backend.get("a")
    assert not (await backend.health()).reachable
    backend.subscribe("news", heard.put_nowait, lambda: gaps.append(1))
    for round_ in range(2):
        with running_redis(tmp_path, port=port):
            await back(backend)
            await backend.set("a", b"1")
            assert await backend.get("a") == b"1"
            while heard.empty():
                await backend.publish("news", b"%d" % round_)
                await asyncio.sleep(0)
            assert len(gaps) == round_ + 1
            server_side = asyncio.ensure_future(backend.call("BLPOP", "nothing", 0))
            await asyncio.sleep(0)
        with pytest.raises(StoreError):
            await server_side
        while not heard.empty():
            heard.get_nowait()
    await backend.close()
    with pytest.raises(StoreError, match="closed"):
        await backend.get("a")


async def test_a_store_that_hangs_is_an_error_after_the_deadline_and_then_at_once(tmp_path):
    with running_redis(tmp_path) as server:
        backend = RedisBackend(replace(server.options, timeout_s=0.2))
        await backend.set("a", b"1")
        server.pause()
        with pytest.raises(StoreError, match=r"did not answer within 0\.2 s"):
            await backend.get("a")
        with pytest.raises(StoreError):
            backend.call("GET", "a")
        server.resume()
        await back(backend)
        assert await backend.get("a") == b"1"
        await backend.close()


async def test_what_is_not_redis_is_an_error():
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(web, "127.0.0.1", 0)
    backend = RedisBackend(RedisOptions((("127.0.0.1", server.sockets[0].getsockname()[1]),)))
    with pytest.raises(StoreError, match=r"not its protocol|nobody asked for"):
        await backend.get("a")
    await backend.close()
    server.close()


async def test_a_command_that_is_refused_is_a_store_error(redis_server):
    backend = RedisBackend(RedisOptions((("127.0.0.1", redis_server.port),)))
    await backend.set("a", b"text")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        await backend.list_append("a", b"1")
    assert await backend.get("a") == b"text"
    await backend.close()


def test_it_works_on_the_loop_that_serves(redis_server):
    async def write_and_read() -> list[bytes | None]:
        backend = RedisBackend(RedisOptions((("127.0.0.1", redis_server.port),)))
        await backend.set("a", b"1")
        found = await backend.mget(["a", "b"])
        await backend.close()
        return found

    assert uvloop.run(write_and_read()) == [b"1", None]


def test_tls_files_are_checked():
    with pytest.raises(ConfigError, match="storage: the TLS files cannot be used"):
        redis_options(StorageOptions(use_ssl=True, ca_file="/does/not/exist"))


async def test_a_host_that_is_no_name_is_an_error_too():
    backend = RedisBackend(RedisOptions((("no..name" + "x" * 80, 6379),)))
    with pytest.raises(StoreError, match="cannot be reached"):
        await backend.get("a")
    await backend.close()
