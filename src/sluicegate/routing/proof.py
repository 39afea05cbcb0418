"""Changes to what the cluster shares, tried before they are written: read and built aside, nothing is put into force.

Two shared definitions never want the same place. In a node's own folder the one that comes second is served elsewhere
(contract 02.0), but which is second may differ from node to node.

Settings are tried on all that is served: none of it may be refused because of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from sluicegate.apidef.api import Api
from sluicegate.cluster.document import API, POLICY, SETTINGS_KEY, Content, Key
from sluicegate.errors import ConfigError
from sluicegate.routing.build import Builder, close
from sluicegate.routing.reload import Place, named, place_of
from sluicegate.routing.shared import api_of, policy_of, settings_with, source_of
from sluicegate.routing.slices import give_way
from sluicegate.settings.shared import SharedSettings, examine_shared

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings


class Proof:
    """Tries changes.

    settings:  those of this node, without what is shared; the builder's are with it.
    claimants: returns the ids of the shared definitions that want a place now.
    served:    the definitions in force.
    """

    def __init__(
        self,
        settings: Settings,
        builder: Builder,
        claimants: Callable[[Place], Collection[str]],
        served: Collection[Api],
    ) -> None:
        self._settings, self._builder, self._claimants, self._served = settings, builder, claimants, served

    async def refusals(self, changes: Mapping[Key, Content | None]) -> list[ConfigError]:
        """Return why documents would be refused, or []; None is one that is to be removed."""
        builder = self._builder
        errors: list[ConfigError] = []
        if SETTINGS_KEY in changes:
            builder, errors = self._builder_with(changes[SETTINGS_KEY])
        apis: list[Api] = []
        for content in changes.values():
            try:
                if content is not None and content.kind == API:
                    apis.append(built(builder, api_of(content, self._settings)))
                elif content is not None and content.kind == POLICY:
                    policy_of(content)
            except ConfigError as error:
                errors.append(error.kept())
            await give_way()
        if builder.services.settings != self._builder.services.settings:
            kept = [api for api in self._served if Key(API, api.api_id) not in changes]
            errors += await _unbuildable(builder, kept)
        return errors + list(self._collisions(apis, changes))

    def _builder_with(self, content: Content | None) -> tuple[Builder, list[ConfigError]]:
        """Return what builds by other shared settings, and what is wrong with these."""
        shared, errors = SharedSettings(), list[ConfigError]()
        if content is not None:
            shared, errors = examine_shared(content.classic, source_of(content.key))
        try:
            return self._builder.with_settings(settings_with(self._settings, shared)), errors
        except ConfigError as error:
            return self._builder, [*errors, error.kept()]

    def _collisions(self, apis: Iterable[Api], changes: Mapping[Key, Content | None]) -> Iterator[ConfigError]:
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


def built(builder: Builder, api: Api) -> Api:
    """Return the API when it can be built. Raises ConfigError."""
    try:
        close(builder.build(api, api.classic.proxy.listen_path))
    except ConfigError as error:
        raise named(error, api) from None
    return api


async def _unbuildable(builder: Builder, apis: Iterable[Api]) -> list[ConfigError]:
    """Return why definitions could not be built."""
    errors = []
    for api in apis:
        try:
            built(builder, api)
        except ConfigError as error:
            errors.append(error.kept())
        await give_way()
    return errors
