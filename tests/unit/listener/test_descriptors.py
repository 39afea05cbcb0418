"""What a limit of open files means for clients."""

from __future__ import annotations

import resource

import pytest

from sluicegate.listener import descriptors


@pytest.mark.parametrize(
    ("allowed", "wanted", "possible"),
    [(1024, 10_000, 492), (1024, 100, 100), (16, 10_000, 1), (resource.RLIM_INFINITY, 10_000, 10_000)],
)
def test_clients_have_room_for_an_upstream_each(
    monkeypatch: pytest.MonkeyPatch, allowed: int, wanted: int, possible: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (allowed, allowed))
    assert descriptors.clients_at_most(wanted) == possible


def test_as_many_as_may_be_had_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    descriptors.raise_limit()
    assert asked == [(4096, 4096)]
