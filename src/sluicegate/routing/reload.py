"""A new table from what is written, beside the one in force; swapped in only when it is good.

    read the definitions ─► build what changed ─► name every listen path once ─► table ─► swap ─► close what went

    what has changed     ─► build it           ─► the table in force, changed in a copy ─► swap ─► close what went

    other settings       ─► build everything   ─► likewise, if all can be built

Never worse than before: a definition that is refused keeps the Route it had, named in the log and the report; an empty
or unreadable folder leaves everything as it is. The work is done in slices of a few milliseconds, between which
requests are served.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from time import perf_counter
from typing import TYPE_CHECKING

import msgspec

from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition
from sluicegate.chain.chain import NO_STEPS
from sluicegate.errors import ConfigError
from sluicegate.middleware.unsupported import not_served_yet
from sluicegate.routing.build import Builder, close, why_closed
from sluicegate.routing.route import Route
from sluicegate.routing.slices import give_way
from sluicegate.routing.table import Table

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings


@dataclass(slots=True)
class Report:
    """What came of a reload.

    refused:     definitions that were not taken, each with its reason.
    why_refused: the same by id, of those that have one.
    kept:        ids of those that are served as they were before, because the new version was refused.
    notices:     what definitions ask for and do not get, though they are served, and which nobody can use.
    """

    loaded: int = 0
    built: int = 0
    seconds: float = 0.0
    refused: list[ConfigError] = field(default_factory=list)
    why_refused: dict[str, ConfigError] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


OnSwap = Callable[[Table, Collection[Route], Collection[Route]], None]
"""Is told of each table that comes into force, and which routes came and went with it."""

Place = tuple[str, int, str]

Pair = tuple[Route | None, Route | None]
"""A route in force and the one in its place; None: there was, or will be, none."""


@dataclass(frozen=True, slots=True)
class Anew:
    """How all routes are built when settings change. adopt: puts the settings into force, together with the table."""

    builder: Builder
    adopt: Callable[[], None]


class Reloader:
    """Holds the table in force, and makes the next one.

    shared:   ids of the definitions that the whole cluster has: where one of them wants to be served, no other is.
    outdated: ids of the definitions whose routes are to be built anew though nothing was changed in them, because of
              certificates that are others now; those that cannot be built stay here.
    """

    def __init__(self, settings: Settings, nobody: Route, control: Route, on_swap: OnSwap) -> None:
        self.settings, self.nobody, self.control, self.on_swap = settings, nobody, control, on_swap
        self.shared: Container[str] = ()
        self.outdated: set[str] = set()
        self._places: dict[Place, set[str]] = {}
        self._place_of: dict[str, Place] = {}
        self.table = self._table([])
        self.builder: Builder | None = None
        self.last = Report()

    def find(self, api_id: str) -> Route | None:
        """Return the route of an API in the table in force."""
        return self.table.by_id.get(api_id)

    def _table(self, routes: Iterable[Route]) -> Table:
        return Table(
            routes,
            port=self.settings.listen_port,
            hostname=self.settings.hostname,
            nobody=self.nobody,
            control=self.control,
        )

    async def load(self, apis: Iterable[Api], refused: list[ConfigError]) -> Report:
        """Put definitions into force, and nothing else. `refused` are those that could not even be read."""
        begun = perf_counter()
        report = Report(refused=list(refused))
        wanted = {api.api_id: api for api in apis}
        await give_way()
        self._keep_unreadable(wanted, report)
        self._places, self._place_of = await claims_of(wanted.values())
        table = self._table([])
        for api in wanted.values():
            route = self._route(api, report)
            if route is not None:
                table.add(route)
            await give_way()
        table.settle()
        await give_way()
        old = set(self.table.routes)
        came = [route for route in table.routes if route not in old]
        await give_way()
        old.difference_update(table.routes)
        await give_way()
        await self._swap(table, old, came)
        return self._reported(report, begun)

    async def change(self, apis: Iterable[Api], gone: Iterable[str], anew: Anew | None = None) -> Report:
        """Put some definitions into force, and take others out; what that costs does not depend on all the rest.

        anew: all others are built anew too. Raises ConfigError when one in force cannot be; no table was swapped then.
        """
        begun = perf_counter()
        report = Report()
        by_id = self.table.by_id
        wanted = {api.api_id: api for api in apis}
        gone = set(gone)
        touched = [self._place_of[one] for one in gone | wanted.keys() if one in self._place_of]
        for one in gone | wanted.keys():
            self._give_up(one)
        touched += [self._claim(api) for api in wanted.values()]
        # Who wants the same place may have to move, or may move back.
        neighbours = {one for place in touched for one in self._places.get(place, ())}
        touched_too = neighbours if anew is None else by_id.keys() - gone
        moving = {one: by_id[one].api for one in touched_too if one in by_id and one not in wanted}
        pairs: list[Pair] = [(by_id.get(one), None) for one in gone]
        pairs += await self._routes((moving | wanted).values(), report, anew)
        pairs = [(old, new) for old, new in pairs if old is not new]
        if pairs or anew is not None:
            went = {old for old, _ in pairs if old is not None}
            came = [new for _, new in pairs if new is not None]
            table = changed(self.table, pairs) if anew is None else await self._table_anew(pairs)
            del by_id, pairs  # see `_swap`
            await self._swap(table, went, came, anew)
        return self._reported(report, begun)

    async def _routes(self, apis: Iterable[Api], report: Report, anew: Anew | None) -> list[Pair]:
        """Return the route in force and the next one of each definition. Raises ConfigError, see `change`."""
        pairs: list[Pair] = []
        try:
            for api in apis:
                old = self.table.by_id.get(api.api_id)
                pairs.append((old, self._route(api, report) if anew is None else self._route_anew(api, report, anew)))
                await give_way()
        except ConfigError:
            for old, new in pairs:
                if new is not None and new is not old:
                    close(new)
            raise
        return pairs

    async def _table_anew(self, pairs: Sequence[Pair]) -> Table:
        """Return a table of the new routes alone, in the order that they had; those that come stand behind."""
        routes = {new.api_id: new for _, new in pairs if new is not None}
        table = self._table([])
        for api_id in dict.fromkeys((*self.table.by_id, *routes)):
            if api_id in routes:
                table.add(routes[api_id])
                await give_way()
        table.settle()
        return table

    async def _swap(self, table: Table, gone: set[Route], came: Collection[Route], anew: Anew | None = None) -> None:
        """Put a table into force. Routes that are gone are freed in slices too, so nobody else may hold `gone`'s."""
        table.generation = self.table.generation + 1
        self.table = table
        if anew is not None:
            anew.adopt()
        self.on_swap(table, came, gone)
        while gone:
            close(gone.pop())
            await give_way()

    def _reported(self, report: Report, begun: float) -> Report:
        report.loaded, report.seconds = len(self.table.routes), perf_counter() - begun
        self.last = report
        return report

    def claimants(self, place: Place) -> Collection[str]:
        """Return the ids of the definitions that want to be served at a place."""
        return self._places.get(place, ())

    def _claim(self, api: Api) -> Place:
        place = self._place_of[api.api_id] = place_of(api)
        self._places.setdefault(place, set()).add(api.api_id)
        return place

    def _give_up(self, api_id: str) -> None:
        place = self._place_of.pop(api_id, None)
        if place is not None:
            self._places[place].discard(api_id)
            if not self._places[place]:
                del self._places[place]

    def _keep_unreadable(self, wanted: dict[str, Api], report: Report) -> None:
        """A file that was served and cannot be read any more: go on serving what it said before."""
        if not report.refused:
            return
        broken = {source: error for error in report.refused for source in sources_in(error.where)}
        for route in self.table.routes:
            if route.api_id not in wanted and (error := broken.get(route.api.source)) is not None:
                wanted[route.api_id] = route.api
                report.kept.append(route.api_id)
                report.why_refused[route.api_id] = error

    def _listen_path(self, api: Api) -> str:
        """Return where an API is served. Those that want the same place get their id appended (contract 02.0).

        One that was served there already keeps it, unless the cluster has another one there.
        """
        path = api.classic.proxy.listen_path
        others = self._places[place_of(api)] - {api.api_id}
        if not others or api.api_id in self.shared:
            return path
        old = self.table.by_id.get(api.api_id)
        holds_it = old is not None and old.listen_path == path and old.api.classic.domain == api.classic.domain
        if holds_it and not any(one in self.shared for one in others):
            return path
        return f"{path}-{api.api_id}"

    def _route(self, api: Api, report: Report) -> Route | None:
        """Return the route of a definition: the one in force if nothing changed, else a new one, else the old one."""
        old = self.table.by_id.get(api.api_id)
        listen_path = self._listen_path(api)
        is_same = old is not None and old.api.checksum == api.checksum and old.listen_path == listen_path
        if is_same and api.api_id not in self.outdated:
            return old
        assert self.builder is not None
        try:
            report.notices += notices_of(api)
            route = self.builder.build(api, listen_path)
        except ConfigError as error:
            refusal = report.why_refused[api.api_id] = named(error, api)
            report.refused.append(refusal)
            if old is not None:
                report.kept.append(api.api_id)
            return old
        self.outdated.discard(api.api_id)
        report.built += 1
        return route

    def _route_anew(self, api: Api, report: Report, anew: Anew) -> Route | None:
        """Return a new route of a definition; if it is changed and refused, a new one of what is in force instead.

        Raises ConfigError when that cannot be built.
        """
        old = self.table.by_id.get(api.api_id)
        try:
            route = anew.builder.build(api, self._listen_path(api))
        except ConfigError as error:
            refusal = named(error, api)
            if old is not None and old.api.checksum == api.checksum:
                raise refusal from None
            report.why_refused[api.api_id] = refusal
            report.refused.append(refusal)
            if old is None:
                return None
            report.kept.append(api.api_id)
            return self._kept_anew(old, anew)
        report.notices += notices_of(api)
        self.outdated.discard(api.api_id)
        report.built += 1
        return route

    def _kept_anew(self, old: Route, anew: Anew) -> Route:
        try:
            return anew.builder.build(old.api, old.listen_path)
        except ConfigError as error:
            raise named(error, old.api) from None


async def claims_of(apis: Iterable[Api]) -> tuple[dict[Place, set[str]], dict[str, Place]]:
    """Return which definitions want to be served at each place, and where each wants to be."""
    places: dict[Place, set[str]] = {}
    wanted: dict[str, Place] = {}
    for api in apis:
        place = wanted[api.api_id] = place_of(api)
        places.setdefault(place, set()).add(api.api_id)
        await give_way()
    return places, wanted


def changed(table: Table, pairs: Iterable[Pair]) -> Table:
    """Return a copy of a table in which new routes are in the place of old ones."""
    copy = table.copy()
    for old, new in pairs:
        if old is not None and new is not None:
            copy.replace(old, new)
        elif old is not None:
            copy.remove(old)
        elif new is not None:
            copy.add(new)
    copy.settle()
    return copy


def named(error: ConfigError, api: Api) -> ConfigError:
    """Return an error that says which definition it is about."""
    where = error.where if error.where.startswith(api.source) else f"{api.source}: {error.where}".rstrip(": ")
    return ConfigError(where, error.what, error.hint)


def notices_of(api: Api) -> list[str]:
    """Return what a definition asks for and does not get, and whether nobody can use it. Raises ConfigError."""
    notices = [f"{api.source}: not served yet: {one}" for one in not_served_yet(api)]
    if why := why_closed(api):
        notices.append(f"{api.source}: version_data.versions: every request is refused: {why}")
    return notices


def sources_in(where: str) -> Iterator[str]:
    """Return what may be the file in the place of an error: a colon ends it, or belongs to its name."""
    return accumulate(where.split(":"), "{}:{}".format)


def place_of(api: Api) -> Place:
    """Return where an API wants to be served: domain, port and listen path."""
    classic = api.classic
    return classic.domain, classic.listen_port, classic.proxy.listen_path


def stand_in(name: str) -> Route:
    """Return a route for exchanges that have no API: nothing is proxied or recorded."""
    definition = msgspec.structs.replace(APIDefinition(), name=name, do_not_track=True)
    route = Route(Api(definition), "", is_strict=False, domain="", body_limit_bytes=0)
    route.chain = NO_STEPS
    return route
