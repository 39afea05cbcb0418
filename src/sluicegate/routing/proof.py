"""Changes to what the cluster shares, tried before they are written: read and built aside, nothing is put into force.

Two shared definitions never want the same place. In a node's own folder the one that comes second is served elsewhere
(contract 02.0), but which is second may differ from node to node.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from sluicegate.apidef.api import Api
from sluicegate.cluster.document import API, Content, Key
from sluicegate.errors import ConfigError
from sluicegate.routing.build import Builder, close
from sluicegate.routing.reload import Place, named, place_of
from sluicegate.routing.shared import api_of, policy_of
from sluicegate.routing.slices import give_way

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings


class Proof:
    """Tries changes.

    claimants: returns the ids of the shared definitions that want a place now.
    """

    def __init__(self, settings: Settings, builder: Builder, claimants: Callable[[Place], Collection[str]]) -> None:
        self._settings, self._builder, self._claimants = settings, builder, claimants

    async def refusals(self, changes: Mapping[Key, Content | None]) -> list[ConfigError]:
        """Return why documents would be refused, or []; None is one that is to be removed."""
        errors: list[ConfigError] = []
        apis: list[Api] = []
        for content in changes.values():
            if content is None:
                continue
            try:
                if content.kind == API:
                    apis.append(self._built(api_of(content, self._settings)))
                else:
                    policy_of(content)
            except ConfigError as error:
                errors.append(error.kept())
            await give_way()
        return errors + list(self._collisions(apis, changes))

    def _built(self, api: Api) -> Api:
        """Return the API when it can be built."""
        try:
            close(self._builder.build(api, api.classic.proxy.listen_path))
        except ConfigError as error:
            raise named(error, api) from None
        return api

    def _collisions(self, apis: Iterable[Api], changes: Mapping[Key, Content | None]) -> Iterable[ConfigError]:
        taken: dict[Place, str] = {}
        for api in apis:
            if api.problem or api.classic.internal:
                continue
            place = place_of(api)
            others = [one for one in self._claimants(place) if Key(API, one) not in changes]
            other = taken.setdefault(place, others[0] if others else api.api_id)
            if other != api.api_id:
                what = f'{api.classic.proxy.listen_path} is taken by the API "{other}"'
                yield ConfigError(f"{api.source}: proxy.listen_path", what, "share no two APIs at one place")
