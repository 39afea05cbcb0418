"""Settings in the making: what was set so far, by whom, and how it becomes the model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sluicegate.settings.model import Settings
from sluicegate.settings.shape import Block, Leaf, leaves, root


@dataclass(slots=True)
class Draft:
    """Values by path, and where each came from: `tyk.conf:12`, or the name of a variable."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def set(self, path: str, value: Any, origin: str) -> None:
        self.values[path], self.origins[path] = value, origin

    def get(self, path: str) -> Any:
        """Return what counts now: what was set, or the default."""
        leaf = leaves()[path]
        return effective(leaf, self.values.get(path, leaf.default))

    def where(self, path: str) -> str:
        """Return how a message begins that is about a setting."""
        origin = self.origins.get(path)
        return f"{origin}: {path}" if origin else path

    def build(self) -> Settings:
        built = self._build(root())
        assert isinstance(built, Settings)
        return built

    def _build(self, block: Block) -> Any:
        found: dict[str, Any] = {}
        for member in block.members.values():
            if isinstance(member, Block):
                found[member.field] = self._build(member)
            elif member.path in self.values:
                found[member.field] = self.get(member.path)
        return block.section(**found)


def effective(leaf: Leaf, value: Any) -> Any:
    """Return a value, or the default in place of a zero where the model says that zero means it."""
    if leaf.zero_means_default and (not value or (not isinstance(value, str) and value < 0)):
        return leaf.default
    return value
