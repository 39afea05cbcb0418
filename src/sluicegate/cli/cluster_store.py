"""The shared configuration for the verbs of the command line: they go to the store itself, by the settings of a node.

So they work before the first node runs, and need no address of one. What they write is tried first, as a node tries it.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import platform
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sluicegate.cluster.announce import announce
from sluicegate.cluster.document import Content, Key
from sluicegate.cluster.documents import Documents, State
from sluicegate.cluster.errors import Conflict, LockBusy, LockLost
from sluicegate.cluster.lock import Lock
from sluicegate.cluster.open import shelf_of
from sluicegate.cluster.writer import Writer
from sluicegate.errors import ConfigError, StoreError
from sluicegate.settings.load import SettingsErrors, load_settings
from sluicegate.store.open import open_stores
from sluicegate.store.redis.outage import silent

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings
    from sluicegate.store.backend import Backend

OK, WRONG, DIFFERS, TRY_AGAIN = 0, 1, 3, 4
"""Exit codes; 2 is a wrong command line."""


class RefusedChanges(Exception):
    """What is wrong with changes that were asked for."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        super().__init__(errors)
        self.errors = errors


@dataclass(frozen=True, slots=True)
class ClusterStore:
    """The store, and what is in it."""

    settings: Settings
    backend: Backend
    documents: Documents
    writer: Writer

    async def contents(self, keys: Sequence[Key] | None = None) -> dict[Key, Content]:
        """Return documents, all if no keys are given. Raises ConfigError for one that cannot be read, StoreError."""
        return await self.documents.contents(await self.documents.index() if keys is None else keys)


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[ClusterStore]:
    """Open the store of some settings. Raises ConfigError."""
    stores = open_stores(settings, silent)
    documents = Documents(shelf_of(stores.main))

    async def tell(state: State) -> None:
        try:
            await announce(stores.main, settings.node_secret, state.generation)
        except StoreError:
            click.echo("nodes could not be told, they will find out by themselves", err=True)

    try:
        yield ClusterStore(settings, stores.main, documents, Writer(documents, Lock(documents.shelf), tell))
    finally:
        await stores.close()


def author() -> str:
    """Return who writes: `user@host`."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        user = str(os.getuid())
    return f"{user}@{platform.node()}"


def with_store(conf: Path | None, work: Callable[[ClusterStore], Awaitable[int]]) -> int:
    """Do something with the store of a node's settings, and return the exit code; what goes wrong is printed."""
    try:
        settings = load_settings(conf, os.environ).settings
        return asyncio.run(_with_store(settings, work))
    except SettingsErrors as wrong:
        return _say(WRONG, *wrong.errors)
    except RefusedChanges as refused:
        return _say(WRONG, *refused.errors)
    except (Conflict, LockBusy, LockLost) as busy:
        return _say(TRY_AGAIN, busy)
    except (ConfigError, StoreError) as error:
        return _say(WRONG, error)


async def _with_store(settings: Settings, work: Callable[[ClusterStore], Awaitable[int]]) -> int:
    if not settings.cluster.enabled:
        raise ConfigError("cluster.enabled", "is not set: nodes with these settings share nothing", "set it to true")
    async with opened(settings) as store:
        return await work(store)


def _say(code: int, *errors: Exception) -> int:
    for error in errors:
        sys.stderr.write(f"error: {error}\n")
    return code
