"""The policies in force (contract 03.3), and what they make of a session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sluicegate.apidef.apply import apply_policies
from sluicegate.apidef.gotypes import NIL_MAP
from sluicegate.apidef.policy_document import Policy, PolicyError, PolicyPartitions
from sluicegate.apidef.session import Session

__all__ = ["Policy", "PolicyBook", "PolicyError", "PolicyPartitions"]


class PolicyBook(Mapping[str, Policy]):
    """The policies in force, by id.

    generation: grows with every replacement, so that whoever keeps applied sessions knows when they are old.
    """

    __slots__ = ("_by_id", "generation")

    def __init__(self, policies: Mapping[str, Policy] = NIL_MAP) -> None:
        self._by_id = dict(policies)
        self.generation = 1

    def __getitem__(self, policy_id: str) -> Policy:
        return self._by_id[policy_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def replace(self, policies: Mapping[str, Policy]) -> None:
        """Put these policies in the place of all that were there."""
        self._by_id = dict(policies)
        self.generation += 1

    def apply(self, session: Session, org_id: str | None) -> Session:
        """Return the session with its policies applied (contract 03.4), or itself when it has none.

        org_id: the API's organisation, for a session that names none; None when a key is made over the admin API.
        Raises PolicyError.
        """
        return apply_policies(self._by_id, session, org_id)
