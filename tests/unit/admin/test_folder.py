"""Files are changed whole or not at all, and one change after the other."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from sluicegate.admin.folder import Change, locked


def test_undo_puts_everything_back(tmp_path: Path):
    kept, new, gone = (tmp_path / name for name in ("kept", "new", "gone"))
    kept.write_text("before")
    gone.write_text("here")
    change = Change()
    change.write(kept, b"after")
    change.write(kept, b"later")
    change.write(new, b"new")
    change.remove(gone)
    change.remove(tmp_path / "never")
    assert (kept.read_text(), new.exists(), gone.exists()) == ("later", True, False)
    change.undo()
    assert (kept.read_text(), new.exists(), gone.read_text()) == ("before", False, "here")


def test_files_are_readable_by_all(tmp_path: Path):
    old = os.umask(0o022)
    try:
        Change().write(tmp_path / "file", b"x")
    finally:
        os.umask(old)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "file"
    file.write_text("before")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        Change().write(file, b"after")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert file.read_text() == "before"


async def test_what_a_killed_writer_left_goes_with_the_next_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def killed(_descriptor: int) -> None:
        raise KeyboardInterrupt  # nothing that would tidy up runs

    (tmp_path / ".mine.tmp").touch()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "fsync", killed)
        Change().write(tmp_path / "a.json", b"half")
    assert len(list(tmp_path.iterdir())) == 2, "it has been left"
    async with locked(tmp_path):
        Change().write(tmp_path / "b.json", b"whole")
    assert {path.name for path in tmp_path.iterdir()} == {".mine.tmp", "b.json"}


async def test_changes_wait_for_each_other(tmp_path: Path):
    order: list[str] = []

    async def change(name: str) -> None:
        async with locked(tmp_path):
            order.append(f"{name} begins")
            await asyncio.sleep(0)
            order.append(f"{name} ends")

    await asyncio.gather(change("a"), change("b"))
    assert [text.split()[1] for text in order] == ["begins", "ends", "begins", "ends"]
