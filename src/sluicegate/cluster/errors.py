"""Why a commit did not happen, or why nobody knows whether it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluicegate.cluster.document import Key
from sluicegate.errors import ConfigError, SluicegateError, StoreError

if TYPE_CHECKING:
    from sluicegate.cluster.documents import State


class Emptied(ConfigError):
    """The store held a shared configuration, and holds none any more."""

    def __init__(self) -> None:
        what = "the store holds no shared configuration any more, nodes go on with the one they have"
        super().__init__("store", what, "sluicegate restore writes a node's snapshot back")


class Damaged(ConfigError):
    """The store has lost a part of the shared configuration."""

    def __init__(self) -> None:
        what = "the documents are not what their digest says: some are lost"
        super().__init__("store", what, "sluicegate apply, or sluicegate restore, writes them once more")


class Conflict(SluicegateError):
    """Somebody else was faster: what is there is not what the writer went by.

    key:      the document; None for the whole configuration.
    expected: the generation that the writer went by.
    found:    the one that is there; 0: none.
    """

    def __init__(self, key: Key | None, expected: int, found: int) -> None:
        super().__init__(key, expected, found)
        self.key, self.expected, self.found = key, expected, found

    def __str__(self) -> str:
        what = str(self.key) if self.key is not None else "the configuration"
        found = f"of generation {self.found}" if self.found else "not there"
        expected = f"generation {self.expected}" if self.expected else "nothing there"
        return f"{what} is {found}, expected was {expected}"


class LockLost(SluicegateError):
    """The writer's lease ended, and somebody else has taken the lock since."""

    def __init__(self, token: int) -> None:
        super().__init__(token)
        self.token = token

    def __str__(self) -> str:
        return "the lock was lost before the change could be written, nothing has changed"


class LockBusy(SluicegateError):
    """Others held the lock for longer than this writer would wait."""

    def __str__(self) -> str:
        return "others are changing the configuration, try again"


class Unclear(StoreError):
    """The store broke off before it answered: the change may have been done or not.

    state: the one with the change, if it was done. mark: by which history tells.
    """

    def __init__(self, why: str, state: State, mark: str) -> None:
        super().__init__(f"{why}; whether the change was written is not known, look before you write it again")
        self.why, self.state, self.mark = why, state, mark

    def not_done(self) -> StoreError:
        """Return what to say once it is known that it was not done."""
        return StoreError(f"{self.why}; nothing has changed")
