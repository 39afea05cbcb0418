"""Who counts as a node: those that announce themselves, as long as this one hears itself."""

from __future__ import annotations

import json

import pytest

from sluicegate.store import servers as module
from sluicegate.store.servers import Servers


@pytest.fixture
def clock(monkeypatch):
    time = [100.0]
    monkeypatch.setattr(module, "ticks", lambda: time[0])
    return time


def test_others_count_from_when_a_node_has_heard_itself(clock):
    one, two = Servers("one"), Servers("two")
    one.hear(two.announcement())
    assert one.count == 1
    one.hear(one.announcement())
    one.hear(two.announcement())
    assert one.count == 2
    assert json.loads(one.announcement())["Percentage"] == 0.5


def test_a_silent_node_is_forgotten_but_not_by_one_that_hears_nobody(clock):
    one, two = Servers("one"), Servers("two")
    for server in (one, two):
        one.hear(server.announcement())
    clock[0] += 10
    one.hear("no announcement")
    assert one.count == 2, "the store is away"
    one.hear(one.announcement())
    assert one.count == 1


def test_nodes_of_other_segments_do_not_count(clock):
    one = Servers("one", "eu")
    one.hear(one.announcement())
    one.hear(Servers("two", "us").announcement())
    one.hear('{"HostName":"tyk-1","ID":"solo-1","LoadPerSec":7,"Percentage":0.5,"TagHash":"eu"}')
    assert one.count == 2


def test_a_worker_in_the_place_of_another_goes_by_its_count_until_it_can_have_heard_everybody(clock):
    last_count = memoryview(bytearray(8)).cast("q")
    first, two = Servers("one", "", last_count), Servers("two")
    first.hear(first.announcement())
    first.hear(two.announcement())
    second = Servers("one", "", last_count)
    assert second.count == 2
    second.hear(second.announcement())
    assert second.count == 2, "the other may come yet"
    clock[0] += 4
    second.hear(second.announcement())
    assert second.count == 1
