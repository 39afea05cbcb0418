"""Passwords and what is stored of them: contract 08.3."""

from __future__ import annotations

import asyncio
from typing import Any

import bcrypt
import pytest

from sluicegate.apidef.session import BasicAuthData
from sluicegate.chain import passwords
from sluicegate.chain.passwords import NOBODY, Passwords
from sluicegate.store.tokens import ALGORITHMS, hash_text


def hashed(password: str) -> BasicAuthData:
    return BasicAuthData(bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode(), "bcrypt")


SECRET = hashed("secret")


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The passwords that bcrypt was asked for."""
    asked: list[bytes] = []
    real = bcrypt.checkpw

    def checkpw(password: bytes, stored: bytes) -> bool:
        asked.append(password)
        return real(password, stored)

    monkeypatch.setattr(passwords.bcrypt, "checkpw", checkpw)
    return asked


@pytest.mark.parametrize("algorithm", ["", *ALGORITHMS])
def test_what_takes_no_time_is_known_at_once(algorithm: str) -> None:
    stored = BasicAuthData(hash_text("secret\udcff", algorithm) if algorithm else "secret\udcff", algorithm)
    assert Passwords().known(stored, "secret\udcff", 0) is True
    assert Passwords().known(stored, "wrong", 0) is False


async def test_bcrypt_is_worked_out_and_what_fitted_is_remembered(checked: list[bytes]) -> None:
    one = Passwords()
    for _ in range(2):
        assert one.known(SECRET, "wrong", 60) is None
        assert await one.work_out(SECRET, "wrong", 60) is False
    assert one.known(SECRET, "secret", 60) is None
    assert await one.work_out(SECRET, "secret", 60) is True
    assert one.known(SECRET, "secret", 60) is True
    assert one.known(SECRET, "secret", 0) is None
    assert checked == [b"wrong", b"wrong", b"secret"]


async def test_it_is_remembered_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Passwords()
    moment = [100.0]
    monkeypatch.setattr(passwords, "ticks", lambda: moment[0])
    await one.work_out(SECRET, "secret", 60)
    moment[0] = 159.0
    assert one.known(SECRET, "secret", 60) is True and one.known(SECRET, "secret", 5) is None
    moment[0] = 160.0
    assert one.known(SECRET, "secret", 60) is None


async def test_a_password_that_was_changed_is_not_remembered() -> None:
    one = Passwords()
    await one.work_out(SECRET, "secret", 60)
    assert one.known(hashed("other"), "secret", 60) is None


async def test_what_is_kept_is_no_password_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MOST_KEPT", 2)
    one = Passwords()
    for password in ("a", "b", "c"):
        assert await one.work_out(hashed(password), password, 60)
    assert len(one._fitted) == 2
    assert all(len(place) == 32 for place in one._fitted)
    await one.work_out(hashed("d"), "d", 0)
    assert len(one._fitted) == 2


async def test_the_same_question_at_the_same_time_is_answered_once(checked: list[bytes]) -> None:
    one = Passwords()
    assert await asyncio.gather(*(one.work_out(SECRET, "secret", 0) for _ in range(20))) == [True] * 20
    assert checked == [b"secret"]


async def test_whoever_goes_away_takes_nobody_along() -> None:
    one = Passwords()
    asking = [asyncio.ensure_future(one.work_out(SECRET, "secret", 60)) for _ in range(2)]
    await asyncio.sleep(0)
    asking[0].cancel()
    assert await asking[1] is True and asking[0].cancelled()


async def test_few_wait_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MOST_WAITING", 2)
    one = Passwords()
    first = one.work_out(SECRET, "a", 0)
    assert not one.is_crowded
    second = one.work_out(SECRET, "b", 0)
    assert one.is_crowded
    assert await first is await second is False
    assert not one.is_crowded


@pytest.mark.parametrize("stored", ["", "no hash", "$2a$10$", "$2a$99$" + "C" * 53, "\udcff"])
async def test_nothing_fits_what_is_no_hash(stored: str) -> None:
    assert await Passwords().work_out(BasicAuthData(stored, "bcrypt"), "", 60) is False


async def test_all_that_bcrypt_looks_at_is_compared_and_more_may_come() -> None:
    one = Passwords()
    longest = "x" * 72
    assert await one.work_out(hashed(longest), longest + "more", 0) is True
    assert await one.work_out(hashed(longest), longest[:71], 0) is False


def test_nobody_takes_as_long_as_somebody(checked: list[Any]) -> None:
    assert bcrypt.checkpw(b"", NOBODY.password.encode()) is False  # a well-formed hash of the cost that is written
    assert NOBODY.password.startswith("$2a$10$")
