"""The ports of one worker: those that are open, and those that are left but where somebody is still served."""

from __future__ import annotations

from sluicegate.listener.listener import Listener


class Ports(dict[int, Listener]):
    """The open listeners by port."""

    def __init__(self) -> None:
        super().__init__()
        self._leaving: list[Listener] = []

    def leave(self, port: int) -> None:
        """Accept nobody on a port any more; who is there is served to the end."""
        listener = self.pop(port)
        listener.stop_accepting()
        self._leaving.append(listener)

    @property
    def all(self) -> list[Listener]:
        """All listeners that may have connections."""
        self._leaving = [one for one in self._leaving if not one.is_over]
        return [*self.values(), *self._leaving]
