"""Placeholders for ids in recorded paths (contract 12.1)."""

from __future__ import annotations

import pytest

from sluicegate.analytics.normalise import make_normaliser
from sluicegate.errors import ConfigError
from sluicegate.settings.telemetry import NormaliseURLs

EVERYTHING = NormaliseURLs(
    enabled=True, normalise_uuids=True, normalise_ulids=True, normalise_numbers=True, custom_patterns=["x[a-z]+"]
)


@pytest.mark.parametrize(
    ("path", "normalised"),
    [
        ("/a/7e1b3cde-b5f2-4a9e-8d5c-0123456789ab/b", "/a/{uuid}/b"),
        ("/a/7e1b3cdeb5f24a9e8d5c0123456789ab", "/a/{uuid}"),
        ("/a/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/a/{ulid}"),
        ("/users/123/orders/4", "/users/{id}/orders/{id}"),
        ("/2.5/12a", "/{id}.5/{id}a"),
        ("/xyz", "/{var}"),
        ("/plain", "/plain"),
    ],
)
def test_ids_become_placeholders(path: str, normalised: str) -> None:
    normalise = make_normaliser(EVERYTHING)
    assert normalise is not None
    assert normalise(path) == normalised


def test_it_is_off_unless_asked_for() -> None:
    assert make_normaliser(NormaliseURLs(normalise_numbers=True)) is None
    assert make_normaliser(NormaliseURLs(enabled=True)) is None


def test_a_bad_pattern_is_named() -> None:
    with pytest.raises(ConfigError, match="custom_patterns"):
        make_normaliser(NormaliseURLs(enabled=True, custom_patterns=["(?!x)"]))
