"""How often a node looks at the others."""

from __future__ import annotations

import pytest

from sluicegate.cluster.members import READ_A_BEAT, beats_between_looks


@pytest.mark.parametrize(("nodes", "beats"), [(0, 1), (1, 1), (10, 1), (11, 2), (100, 10), (1000, 100)])
def test_what_a_node_reads_does_not_grow_with_their_number(nodes: int, beats: int) -> None:
    assert beats_between_looks(nodes) == beats
    assert nodes / beats <= READ_A_BEAT
