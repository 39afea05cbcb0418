"""What is in force in a worker, and how it changes: the node's own files, and over them what the cluster shares.

    load       everything anew: at start, on a signal, when somebody says that files were changed
    take_over  what has changed in the cluster, and nothing else; with other settings all that goes by them
    refusals   what would be refused of changes that somebody wants to make; nothing is put into force
    renew_certificates   routes and listeners with certificates of the store that are others now

A document that is refused leaves in force what was there. Where nothing is shared, there is only `load`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from sluicegate.admin.node import ReloadError
from sluicegate.apidef.api import Api
from sluicegate.clock import now
from sluicegate.cluster.document import API, POLICY, SETTINGS_KEY, Content, Envelope, Key
from sluicegate.errors import ConfigError, StoreError
from sluicegate.listener.error_page import ErrorPages
from sluicegate.routing.proof import Proof
from sluicegate.routing.reload import Anew, Place
from sluicegate.routing.shared import Meaning, SharedLayer, Upcoming, apis_of, settings_with, source_of
from sluicegate.routing.slices import give_way, uncollected
from sluicegate.routing.sources import Found, read_all
from sluicegate.settings.shared import overruled
from sluicegate.store.stored_certificates import asked_for, named_by, read_stored

if TYPE_CHECKING:
    from sluicegate.apidef.policy_document import Policy
    from sluicegate.assembly import Parts
    from sluicegate.routing.reload import Report
    from sluicegate.settings.model import Settings

AT_A_TIME = 500
"""Definitions that are looked through without a look at the clock; that takes a fraction of a slice."""


class Configuration:
    """The definitions, policies and settings of one worker.

    has_loaded: whether there was a load that came to something.
    own:        what the node's files hold, by id.
    changed_at: when what is in force last changed, seconds since 1970; 0: never.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        parts.sources.definitions.on_parsed = parts.last_good.see
        self.log = parts.services.log
        self.has_loaded = False
        self.changed_at = 0.0
        self.shared = SharedLayer(parts.settings)
        self.own: dict[str, Api] = {}
        self.own_policies: Mapping[str, Policy] = {}
        self._reloading = asyncio.Lock()
        self._next_load: asyncio.Task[Report | None] | None = None
        self._may_empty = False
        self._said: set[str] = set()
        self._wanted: set[str] = set()
        self._take_up_policies()

    # -- files

    async def load(self, *, may_empty: bool, api_id: str = "") -> None:
        """Read definitions and policies, and put into force what is good.

        Whoever asks while a load waits for its turn is served by that one, so that nobody waits for more than two,
        however many ask. may_empty: that there are no definitions any more is meant. Raises ReloadError when `api_id`
        was refused.
        """
        self._may_empty |= may_empty
        if self._next_load is None:
            self._next_load = asyncio.create_task(self._load())
        report = await asyncio.shield(self._next_load)
        if report is not None and (refused := report.why_refused.get(api_id)):
            raise ReloadError(f"{refused.what}" + (f" ({refused.hint})" if refused.hint else ""))

    async def _load(self) -> Report | None:
        async with self._reloading:
            self._next_load = None  # what is written from now on may not be read by this one
            may_empty, self._may_empty = self._may_empty, False
            with uncollected():
                found = await self._read()
                if not self.has_loaded:
                    await self._take_up(found)
                if found is None:
                    self.parts.metrics.count("reloads_failed")
                    return None
                return await self._put_in_force(found, may_empty=may_empty)

    def _take_up_policies(self) -> None:
        """Go on with the policies that the worker had in whose place this one is."""
        parts, place = self.parts, self.parts.sources.policies
        if place is None:
            return
        place.known = parts.last_good.policies()
        self.own_policies = {policy.id: policy for policy in place.known.values()}
        parts.services.policies.replace(self.own_policies)

    async def _take_up(self, found: Found | None) -> None:
        """Go on with the definitions that the worker had in whose place this one is, where files are others now."""
        recalled = await self.parts.last_good.apis(found.apis if found is not None else ())
        if recalled:
            self.own = {api.api_id: api for api in recalled}
            await self.parts.reloader.change(recalled, ())
            self.has_loaded = True

    async def _read(self) -> Found | None:
        """Return what is written now; None when it cannot be read, which leaves everything as it is."""
        try:
            return await read_all(self.parts.sources)
        except ConfigError as error:
            self.log("error", "Definitions could not be read, going on with those in force", error=str(error))
            return None

    async def _put_in_force(self, found: Found, *, may_empty: bool) -> Report | None:
        """Put into force what was read; no definitions at all are taken for a mistake, unless `may_empty` is said."""
        parts = self.parts
        routes, policies_before = parts.reloader.table.routes, self.own_policies
        if found.policies is not None:
            self.own_policies = found.policies
            parts.services.policies.replace({**found.policies, **self.shared.policies})
        serves_own = any(route.api_id not in self.shared.apis for route in parts.reloader.table.routes)
        if not found.apis and serves_own and not may_empty:
            self.log("error", "No definitions found, going on with those in force", path=parts.settings.app_path)
            parts.metrics.count("reloads_failed")
            return None
        self.own = {api.api_id: api for api in found.apis}
        await give_way()
        apis = self._all()
        await give_way()
        problems = found.problems + (await self._fetch_certificates(apis, parts.services.settings))[1]
        report = await parts.reloader.load(apis, found.refused)
        self._say_hidden()
        parts.tell_of(report, problems)
        await parts.sync_listeners()
        if not self.changed_at or (routes, policies_before) != (parts.reloader.table.routes, self.own_policies):
            self.changed_at = now()
        self.has_loaded = True
        policies = parts.sources.policies
        await parts.last_good.note(parts.reloader.table.by_id, policies.known if policies is not None else {})
        return report

    def _all(self) -> list[Api]:
        """Return all definitions, those that are refused too."""
        return list({**self.own, **self.shared.apis}.values())

    # -- certificates

    async def renew_certificates(self, ids: Collection[str] = ()) -> None:
        """Read certificates of the store again, and put those that have changed into force where they are named.

        ids: those that somebody has changed; where none of them is named anywhere there is nothing to do.
        """
        async with self._reloading:
            if not ids or not self._wanted.isdisjoint(ids):
                await self._follow_certificates(self._wanted)

    async def prepare(self, apis: Sequence[Api]) -> None:
        """Have the certificates at hand that definitions want which are to be tried."""
        async with self._reloading:
            wanted = self.parts.services.certificates.missing(asked_for(self.parts.services.settings, apis))
            if wanted:
                await self._follow_certificates(wanted, beside=True)

    async def _follow_certificates(self, wanted: Collection[str], *, beside: bool = False) -> None:
        """Read certificates, and put into force what uses those that have changed."""
        parts = self.parts
        with uncollected():
            changed, problems = await self._read_certificates(wanted, parts.services.settings, beside=beside)
            if not changed:
                return
            affected = await self._outdate(changed)
            report = await parts.reloader.change(affected, ())
        parts.tell_of(report, problems)
        await parts.sync_listeners()
        self.changed_at = now()

    async def _read_certificates(
        self, wanted: Collection[str], settings: Settings, *, beside: bool = False
    ) -> tuple[set[str], list[ConfigError]]:
        """Have these certificates at hand. Returns which are others than before, and what is wrong with others.

        beside: those that were read before stay; so they do with the store away.
        """
        certificates = self.parts.services.certificates
        try:
            stored, problems = await read_stored(self.parts.backend, wanted, settings)
        except StoreError as error:
            return set(), [ConfigError("certificates", f"the store cannot be asked: {error}")]
        return certificates.add(stored) if beside else certificates.replace(stored), problems

    async def _outdate(self, changed: set[str]) -> list[Api]:
        """Have the routes that use certificates built anew. Returns their definitions."""
        by_default = not changed.isdisjoint(self.parts.services.settings.security.certificates.upstream.values())
        affected = []
        for at, api in enumerate(self._all()):
            if by_default or not changed.isdisjoint(named_by(api)):
                affected.append(api)
            if not at % AT_A_TIME:
                await give_way()
        self.parts.reloader.outdated.update(api.api_id for api in affected)
        return affected

    async def _fetch_certificates(
        self, apis: Sequence[Api], settings: Settings, *, beside: bool = False
    ) -> tuple[list[Api], list[ConfigError]]:
        """Read the certificates that settings and definitions want from the store.

        Returns the definitions in force that use some that are others now, and what is wrong with certificates.
        beside: they are some definitions of many.
        """
        wanted = asked_for(settings, ())
        for start in range(0, len(apis), AT_A_TIME):
            wanted |= asked_for(settings, apis[start : start + AT_A_TIME])
            await give_way()
        self._wanted = self._wanted | wanted if beside else wanted
        changed, problems = await self._read_certificates(wanted, settings, beside=beside)
        return await self._outdate(changed) if changed else [], problems

    # -- the cluster

    async def take_over(self, changed: Mapping[Key, Envelope | None]) -> dict[Key, ConfigError]:
        """Put changed documents of the cluster into force, None for those that are gone; return what was refused."""
        parts = self.parts
        async with self._reloading:
            with uncollected():
                meaning = await self.shared.read(changed)
                wanted = [api for api in meaning.apis.values() if api is not None]
                gone = [one for one, api in meaning.apis.items() if api is None]
                wanted += [self.own[one] for one in gone if one in self.own]
                anew = self._anew(meaning)
                settings = anew.builder.services.settings if anew is not None else parts.services.settings
                affected, problems = await self._fetch_certificates(wanted, settings, beside=True)
                wanted += [api for api in affected if api.api_id not in meaning.apis]
                parts.reloader.shared = Upcoming(self.shared.apis, meaning.apis)
                report = await self._change(wanted, [one for one in gone if one not in self.own], anew, meaning)
                self._note_refused(report, meaning)
                self.shared.keep(meaning)
                parts.reloader.shared = self.shared.apis
        if meaning.policies:
            parts.services.policies.replace({**self.own_policies, **self.shared.policies})
        self._say_hidden()
        if meaning.apis or anew is not None:
            report.refused.clear()  # the follower says what was refused
            parts.tell_of(report, problems)
            await parts.sync_listeners()
        self.changed_at = now()
        return meaning.refused

    def _anew(self, meaning: Meaning) -> Anew | None:
        """Return how everything is built by the settings that are shared now; None when that makes no difference."""
        parts, shared = self.parts, meaning.settings
        if shared is None:
            return None
        try:
            settings = settings_with(parts.settings, shared)
            pages = ErrorPages(settings)
        except ConfigError as error:
            meaning.refused[SETTINGS_KEY] = error.kept()
            return None
        if settings == parts.services.settings:
            return None

        def adopt() -> None:
            parts.serve.adopt(settings, pages)
            parts.recorder.adopt(settings)
            for listener in parts.listeners.values():
                listener.adopt(settings)
            if not parts.index:
                self.log("info", "Other settings are in force", shared=" ".join(sorted(shared.values)) or "none")

        return Anew(parts.builder.with_settings(settings), adopt)

    async def _change(self, wanted: list[Api], gone: list[str], anew: Anew | None, meaning: Meaning) -> Report:
        """Change the table; settings by which something in force could not be served are refused."""
        reloader = self.parts.reloader
        if anew is not None:
            try:
                return await reloader.change(wanted, gone, anew)
            except ConfigError as error:
                what = f"what is served could not be any more: {error}"
                meaning.refused[SETTINGS_KEY] = ConfigError(source_of(SETTINGS_KEY), what)
        return await reloader.change(wanted, gone)

    def _note_refused(self, report: Report, meaning: Meaning) -> None:
        for one, error in report.why_refused.items():
            if meaning.apis.get(one) is not None:
                meaning.refused[Key(API, one)] = error

    def hidden(self) -> set[Key]:
        """Return what this node has in files and the cluster too, so that the files' are not served."""
        return {Key(API, one) for one in self.own.keys() & self.shared.apis.keys()} | {
            Key(POLICY, one) for one in self.own_policies.keys() & self.shared.policies.keys()
        }

    def overruled(self) -> list[str]:
        """Return which of this node's own settings the cluster has otherwise."""
        return [str(one) for one in overruled(self.parts.settings, self.parts.origins, self.shared.settings)]

    def _say_hidden(self) -> None:
        if self.parts.index:
            return
        hidden, others = {str(key) for key in self.hidden()}, set(self.overruled())
        for key in sorted(hidden - self._said):
            self.log("warning", "The cluster's is served, not the one in this node's files", document=key)
        for one in sorted(others - self._said):
            self.log("warning", one)
        self._said = hidden | others

    async def refusals(self, changes: Mapping[Key, Content | None]) -> list[ConfigError]:
        """Return why changes of the cluster's documents would be refused, or []."""
        parts = self.parts
        served = [route.api for route in parts.reloader.table.routes]
        proof = Proof(parts.settings, parts.builder, self._claimants, served)
        await self.prepare(apis_of(changes.values(), parts.settings))
        with uncollected():
            return await proof.refusals(changes)

    def _claimants(self, place: Place) -> list[str]:
        return [one for one in self.parts.reloader.claimants(place) if one in self.shared.apis]
