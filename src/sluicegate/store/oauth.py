"""OAuth 2 clients, authorization codes and tokens in the store, each API's by itself (contracts 05.1, 08.5).

Nothing here is cached, and sessions are not touched: `store.oauth_tokens` makes a token of both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sluicegate.apidef import gojson
from sluicegate.apidef.oauth import AccessData, AuthorizeData, OAuthClient, decode
from sluicegate.clock import now
from sluicegate.store import names
from sluicegate.store.backend import Backend

READ_BATCH = 200
NEVER = float("-inf")
FOR_EVER = float("inf")


class OAuthRecords:
    """The records of all APIs. What is asked for by an id that is not there, or cannot be read, is None."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    # clients: a value each, in a list for each organisation, and for nodes of Tyk in a set of copies

    async def client(self, api_id: str, client_id: str) -> OAuthClient | None:
        """Return a client."""
        return _client(await self._backend.get(names.oauth_client(api_id, client_id)))

    async def clients(self, api_id: str, org_id: str) -> list[OAuthClient]:
        """Return the clients of an API, those that were made last at the end.

        Nodes of Tyk that use a Redis Cluster, and very old ones, keep no list; the set has what the list has not.
        """
        prefix = names.oauth_client_entry("")
        listed = await self._backend.list_items(names.oauth_client_list(api_id, org_id))
        ids = [entry.decode("utf-8", "surrogateescape").removeprefix(prefix) for entry in listed]
        copies = (_client(copy) for copy in await self._backend.set_members(names.oauth_client_set(api_id)))
        ids += sorted(copy.id for copy in copies if copy is not None)
        found: list[OAuthClient] = []
        distinct = list(dict.fromkeys(ids))
        for start in range(0, len(distinct), READ_BATCH):
            wanted = [names.oauth_client(api_id, one) for one in distinct[start : start + READ_BATCH]]
            read = map(_client, await self._backend.mget(wanted))
            found += [client for client in read if client is not None]
        return found

    async def write_client(self, api_id: str, org_id: str, client: OAuthClient) -> None:
        """Store a client."""
        await self._backend.set(names.oauth_client(api_id, client.id), gojson.encode(client))
        await self._list(api_id, org_id, client)

    async def change_client(
        self, api_id: str, org_id: str, client_id: str, change: Callable[[OAuthClient], OAuthClient]
    ) -> tuple[OAuthClient, OAuthClient] | None:
        """Make something else of a client, and return what it was and is; None when it is not there.

        change: is asked again when somebody else has written the client meanwhile, so that nothing of that is lost.
        """
        name = names.oauth_client(api_id, client_id)
        while before := _client(data := await self._backend.get(name)):
            after = change(before)
            if await self._backend.swap(name, data or b"", gojson.encode(after)):
                await self._list(api_id, org_id, after)
                return before, after
        return None

    async def _list(self, api_id: str, org_id: str, client: OAuthClient) -> None:
        """Put a client where it is looked for without its id, as it is now."""
        entry = names.oauth_client_entry(client.id).encode("utf-8", "surrogateescape")
        clients = names.oauth_client_list(api_id, org_id)
        await self._backend.list_remove(clients, entry)
        await self._backend.list_append(clients, entry)
        await self._forget_copies(api_id, client.id)
        await self._backend.set_add(names.oauth_client_set(api_id), gojson.encode(client))

    async def delete_client(self, api_id: str, org_id: str, client_id: str) -> None:
        """Remove a client and the list of its tokens; the tokens stay, and are refused from now on."""
        entry = names.oauth_client_entry(client_id).encode("utf-8", "surrogateescape")
        await self._backend.delete(names.oauth_client(api_id, client_id))
        await self._backend.list_remove(names.oauth_client_list(api_id, org_id), entry)
        await self._forget_copies(api_id, client_id)
        await self._backend.delete(names.oauth_client_tokens(api_id, client_id))

    async def _forget_copies(self, api_id: str, client_id: str) -> None:
        copies = names.oauth_client_set(api_id)
        for copy in await self._backend.set_members(copies):
            client = _client(copy)
            if client is not None and client.id == client_id:
                await self._backend.set_remove(copies, copy)

    # codes

    async def code(self, api_id: str, code: str) -> AuthorizeData | None:
        """Return what a code stands for, and leave it there."""
        data = await self._backend.get(names.oauth_code(api_id, code))
        return decode(data, AuthorizeData) if data else None

    async def write_code(self, api_id: str, authorize: AuthorizeData) -> None:
        """Store what a code stands for, as long as it may be used."""
        name = names.oauth_code(api_id, authorize.code)
        await self._backend.set(name, gojson.encode(authorize), authorize.expires_in)

    async def take_code(self, api_id: str, code: str) -> bool:
        """Use a code up; return whether it was still there: of all who use it at once, one may."""
        return await self._backend.take(names.oauth_code(api_id, code)) is not None

    # access tokens

    async def access(self, api_id: str, key_name: str, token: str = "") -> AccessData | None:
        """Return the data of an access token by the name of its session, or where Tyk once filed them: by its text."""
        wanted = [names.oauth_access(api_id, name) for name in dict.fromkeys((key_name, token)) if name]
        data = next((one for one in await self._backend.mget(wanted) if one), None)
        return decode(data, AccessData) if data else None

    async def write_access(self, api_id: str, key_name: str, access: AccessData, expires: int) -> None:
        """Store the data of an access token as long as it lives, and put it into the list of its client.

        expires: Unix seconds.
        """
        await self._backend.set(names.oauth_access(api_id, key_name), gojson.encode(access), access.expires_in)
        tokens = names.oauth_client_tokens(api_id, access.client.id)
        await self._backend.sorted_add(tokens, key_name.encode("utf-8", "surrogateescape"), expires)

    async def delete_access(self, api_id: str, client_id: str, *key_names: str) -> None:
        """Remove the data of access tokens, and take these out of the list; no others, whatever their time."""
        await self._backend.delete(*(names.oauth_access(api_id, name) for name in key_names))
        members = [name.encode("utf-8", "surrogateescape") for name in key_names]
        await self._backend.sorted_discard(names.oauth_client_tokens(api_id, client_id), *members)

    # refresh tokens

    async def refresh(self, api_id: str, token: str) -> AccessData | None:
        """Return the access that a refresh token came with, and leave it there."""
        data = await self._backend.get(names.oauth_refresh(api_id, token))
        return decode(data, AccessData) if data else None

    async def write_refresh(self, api_id: str, access: AccessData, ttl_s: float) -> None:
        """Store the access that a refresh token came with."""
        name = names.oauth_refresh(api_id, access.refresh_token)
        await self._backend.set(name, gojson.encode(access), ttl_s)

    async def take_refresh(self, api_id: str, token: str) -> bool:
        """Use a refresh token up; return whether it was still there, as with a code."""
        return await self._backend.take(names.oauth_refresh(api_id, token)) is not None

    async def delete_refresh(self, api_id: str, token: str) -> None:
        """Remove a refresh token."""
        await self._backend.delete(names.oauth_refresh(api_id, token))

    # lists of tokens

    async def tokens(self, api_id: str, client_id: str) -> list[tuple[str, int]]:
        """Return the tokens of a client that have not expired, by the names of their sessions, and when they do."""
        name = names.oauth_client_tokens(api_id, client_id)
        found = await self._backend.sorted_range(name, int(now()), FOR_EVER)
        return [(member.decode("utf-8", "surrogateescape"), int(score)) for member, score in found]

    async def drop_lapsed(self, api_id: str, client_id: str, kept_s: float) -> None:
        """Take those out of a client's list that expired longer ago than `kept_s`."""
        await self._backend.sorted_remove(names.oauth_client_tokens(api_id, client_id), NEVER, int(now()) - kept_s)

    async def drop_all_lapsed(self, kept_s: float) -> None:
        """Do so with the lists of all clients of all APIs, also of those that other nodes serve."""
        lists: Sequence[str] = await self._backend.scan(names.OAUTH, f".{names.OAUTH_TOKENS}")
        for name in lists:
            await self._backend.sorted_remove(name, NEVER, int(now()) - kept_s)

    async def may_purge(self, lock_s: float) -> bool:
        """Return whether this node may remove what has lapsed; for so long no other one may."""
        return await self._backend.add(names.OAUTH_PURGE_LOCK, b"1", lock_s)


def _client(data: bytes | None) -> OAuthClient | None:
    return decode(data, OAuthClient) if data else None
