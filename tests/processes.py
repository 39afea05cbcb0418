"""The processes of a running gateway, as /proc shows them."""

from __future__ import annotations

from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that are alive, oldest first."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            state, parent = _state_and_parent(place)
            if parent == pid and state != "Z":
                found.append(int(place.name))
    return sorted(found)


def is_alive(pid: int) -> bool:
    """Return whether a process is there and has not ended, with all its threads: the last one closes its sockets."""
    place = Path(f"/proc/{pid}")
    try:
        return _state_and_parent(place)[0] not in ("", "Z") or len(list((place / "task").iterdir())) > 1
    except OSError:
        return False


def _state_and_parent(place: Path) -> tuple[str, int]:
    try:
        fields = (place / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "", 0
    return fields[0], int(fields[1])
