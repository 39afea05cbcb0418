"""What only a store in a file has: it outlives its process, several share it, and it can be damaged."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sluicegate.errors import StoreError
from sluicegate.store import sqlite_file
from sluicegate.store.sqlite import SqliteBackend
from sluicegate.store.sqlite_file import check, connect

WRITER = """
import asyncio, sys
from pathlib import Path
from sluicegate.store import sqlite_file
from sluicegate.store.sqlite import SqliteBackend

async def main():
    store = SqliteBackend(Path(sys.argv[1]))
    for number in range(1_000_000):
        await store.set(f"{sys.argv[2]}{number}", b"x" * 1000)
        print(number, flush=True)

asyncio.run(main())
"""


def test_what_was_answered_survives_kill_9(tmp_path):
    path = tmp_path / "store.db"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, mark], stdout=subprocess.PIPE) for mark in "ab"]
    last = [0, 0]
    for _ in range(20):
        last = [int(writer.stdout.readline()) for writer in writers]
    for writer in writers:
        os.kill(writer.pid, signal.SIGKILL)
    for at, writer in enumerate(writers):
        lines = writer.communicate()[0].split(b"\n")
        last[at] = max([last[at], *(int(line) for line in lines[:-1] if line)])
    check(path)
    store = SqliteBackend(path)
    for mark, answered in zip("ab", last, strict=True):
        found = store.mget_now([f"{mark}{number}" for number in range(answered + 1)])
        assert found == [b"x" * 1000] * (answered + 1)


async def test_workers_see_each_others_writes_at_once(tmp_path):
    one, other = SqliteBackend(tmp_path / "store.db"), SqliteBackend(tmp_path / "store.db")
    await asyncio.gather(*(store.list_append("n", b"x") for store in (one, other) for _ in range(20)))
    assert await one.list_items("n") == await other.list_items("n") == [b"x"] * 40
    await one.close()
    await other.close()


def test_only_the_owner_may_read_it(tmp_path):
    SqliteBackend(tmp_path / "store.db")
    assert stat.S_IMODE((tmp_path / "store.db").stat().st_mode) == 0o600


def test_what_is_no_store_is_refused_by_name(tmp_path):
    path = tmp_path / "store.db"
    path.write_bytes(b"this is a text of some length, and not a database at all" * 100)
    with pytest.raises(StoreError, match=r"store\.db: the store is damaged .*; put a copy back or move the file away"):
        SqliteBackend(path)
    assert path.read_bytes().startswith(b"this is a text")


async def test_damage_inside_is_found_before_the_start_and_is_no_crash(tmp_path):
    path = tmp_path / "store.db"
    store = SqliteBackend(path)
    for number in range(200):
        await store.set(f"key{number}", b"x" * 500)
    await store.close()
    content = bytearray(path.read_bytes())
    content[4096 * 2 :] = os.urandom(len(content) - 4096 * 2)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"store\.db: the store is damaged"):
        check(path)
    store = SqliteBackend(path)
    with pytest.raises(StoreError):
        await store.mget([f"key{number}" for number in range(200)])
    await store.close()


def test_a_newer_layout_and_a_missing_folder_are_refused(tmp_path):
    store = SqliteBackend(tmp_path / "store.db")
    store._writer.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer version"):
        SqliteBackend(tmp_path / "store.db")
    with pytest.raises(StoreError, match="No such file"):
        SqliteBackend(tmp_path / "none" / "store.db")


async def test_a_full_disk_refuses_the_write_and_loses_nothing(tmp_path):
    store = SqliteBackend(tmp_path / "store.db")
    await store.set("a", b"1")
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    store._writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full"):
        await store.set("b", b"x" * 100_000)
    assert await store.mget(["a", "b"]) == [b"1", None]
    assert (await store.health()).reachable
    await store.close()


async def test_expired_rows_are_removed_in_the_end(tmp_path):
    store = SqliteBackend(tmp_path / "store.db")
    for number in range(5):
        await store.set(f"short{number}", b"1", ttl_s=0.001)
    while await store.exists("short4"):  # noqa: ASYNC110 - nobody tells when a time to live is over
        await asyncio.sleep(0.001)
    store._sweep_at = 0
    await store.set("a", b"1")
    assert store._reader.execute("SELECT count(*) FROM entry").fetchone()[0] == 1
    await store.close()


async def test_another_process_that_comes_and_goes_takes_nothing_away(tmp_path):
    """SQLite removes the log of a file that it takes for closed by all: locks have to say that it is not."""
    path = tmp_path / "store.db"
    here = SqliteBackend(path)
    await here.set("before", b"1")
    code = "import sys, pathlib; from sluicegate.store.sqlite_file import check; check(pathlib.Path(sys.argv[1]))"
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(path))
    assert await other.wait() == 0
    await here.set("after", b"2")

    there = SqliteBackend(path)
    assert there.mget_now(["before", "after"]) == [b"1", b"2"]
    await there.set("there", b"3")
    assert here.mget_now(["there"]) == [b"3"]
    await there.close()
    await here.close()


@pytest.mark.parametrize("is_replaced", [False, True])
async def test_nothing_is_written_to_a_file_that_is_not_there_any_more(tmp_path: Path, is_replaced: bool) -> None:
    path, moved = tmp_path / "s.db", tmp_path / "moved.db"
    store = SqliteBackend(path)
    await store.set("a", b"1")
    path.rename(moved)
    if is_replaced:
        shutil.copy(moved, path)
    with pytest.raises(StoreError, match="was moved or replaced"):
        await store.set("a", b"2")
    health = await store.health()
    assert not health.reachable and "was moved or replaced" in health.error
    if is_replaced:
        path.unlink()
    moved.rename(path)
    await store.set("a", b"3")
    assert await store.mget(["a"]) == [b"3"]
    await store.close()


async def test_a_write_waits_for_its_turn_and_says_when_it_does_not_come(tmp_path, monkeypatch):
    store, other = SqliteBackend(tmp_path / "store.db"), connect(tmp_path / "store.db")
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(store.set("waits", b"x"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 0.05)  # longer than SQLite waits by itself
    other.execute("COMMIT")
    await waiting
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_S", 0.02)
    with pytest.raises(StoreError, match="locked"):
        await store.set("does not", b"x")
    other.execute("COMMIT")
    assert store.mget_now(["waits", "does not"]) == [b"x", None]
    other.close()
    await store.close()
