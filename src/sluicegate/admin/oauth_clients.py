"""`/tyk/oauth/clients`: the programs that may ask for tokens (contract 04.9)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.body import read_body
from sluicegate.admin.envelope import Refused, answer, changed
from sluicegate.admin.node import Node
from sluicegate.admin.query import query_of
from sluicegate.apidef import gojson
from sluicegate.apidef.api import Api
from sluicegate.apidef.gotypes import GoStruct, Omit
from sluicegate.apidef.oauth import OAuthClient
from sluicegate.errors import ConfigError
from sluicegate.store import names
from sluicegate.store.tokens import make_secret

MALFORMED = "Unmarshalling failed"
NO_API = "API doesn't exist"
NO_POLICY = "Policy doesn't exist"
NOT_OAUTH = "API is not OAuth2"
NO_CLIENT = "OAuth Client ID not found"
NO_RIGHTS = "Policy access rights doesn't contain API this OAuth client belongs to"


class ClientBody(GoStruct, frozen=True):
    """A client as it is sent and answered."""

    client_id: str = ""
    redirect_uri: str = ""
    api_id: Omit[str] = ""
    policy_id: Omit[str] = ""
    secret: str = ""
    meta_data: Any = None
    description: str = ""

    @classmethod
    def of(cls, client: OAuthClient) -> ClientBody:
        """Return how a client is answered."""
        return cls(
            client_id=client.id,
            redirect_uri=client.redirecturi,
            policy_id=client.policyid,
            secret=client.secret,
            meta_data=client.meta_data,
            description=client.description,
        )


async def create(node: Node, request: Request) -> Response:
    """Make a client of one API, or of all APIs of a policy that know OAuth clients."""
    sent = await _sent(node, request)
    client = OAuthClient(
        id=sent.client_id or uuid.uuid4().hex,
        secret=sent.secret or make_secret(),
        redirecturi=sent.redirect_uri,
        meta_data=sent.meta_data,
        policyid=sent.policy_id,
        description=sent.description,
    )
    for api in _apis_for(node, sent):
        await _records(node).write_client(api.api_id, api.classic.org_id, client)
        await node.client_changed(names.oauth_client(api.api_id, client.id))
    return answer(ClientBody.of(client))


async def show_all(node: Node, request: Request) -> Response:
    """Answer the clients of an API; of one that has no OAuth server there are none."""
    api = node.find_api(request.path_params["apiID"])
    if api is None:
        return answer(None, 404)
    return answer([ClientBody.of(client) for client in await _clients(node, api)])


async def show(node: Node, request: Request) -> Response:
    """Answer one client."""
    api = _api_of(node, request, NO_CLIENT)
    return answer(ClientBody.of(await _client(node, api, request)))


async def show_apis(node: Node, request: Request) -> Response:
    """Answer the ids of an organisation's APIs, or of all, that have the client."""
    found = await apis_with(node, request.path_params["appID"], query_of(request).get("orgID", ""))
    return answer([api.api_id for api in found])


async def update(node: Node, request: Request) -> Response:
    """Change what may change of a client: not its id, not its secret. With another policy, its tokens end."""
    sent = await _sent(node, request)
    api = _api_of(node, request, NO_API)
    if sent.policy_id:
        policy = node.policies.get(sent.policy_id)
        if policy is None:
            raise Refused(404, NO_POLICY)
        if api.api_id not in policy.access_rights:
            raise Refused(400, NO_RIGHTS)

    def as_sent(client: OAuthClient) -> OAuthClient:
        return replace(
            client,
            redirecturi=sent.redirect_uri,
            policyid=sent.policy_id,
            meta_data=sent.meta_data,
            description=sent.description,
        )

    old, new = await _change(node, api, request, as_sent)
    if old.policyid and old.policyid != new.policyid:
        await node.services.oauth.end_all(api.api_id, old.id, with_refresh=False)
    return answer(ClientBody.of(new))


async def rotate(node: Node, request: Request) -> Response:
    """Give a client a new secret; its tokens go on."""
    api = _api_of(node, request, NO_API)
    secret = make_secret()
    _, new = await _change(node, api, request, lambda client: replace(client, secret=secret))
    return answer(ClientBody.of(new))


async def delete(node: Node, request: Request) -> Response:
    """Remove a client: its tokens are refused from now on."""
    api = _api_of(node, request, NO_CLIENT)
    if not knows_clients(api):
        raise Refused(404, NO_CLIENT)
    client_id = request.path_params["keyName"]
    await _records(node).delete_client(api.api_id, api.classic.org_id, client_id)
    await node.client_changed(names.oauth_client(api.api_id, client_id))
    return changed(client_id, "deleted")


async def apis_with(node: Node, client_id: str, org_id: str) -> list[Api]:
    """Return the APIs of an organisation, or of all where none is named, that have a client of that id."""
    asked = [api for api in node.apis() if api.classic.use_oauth2 and org_id in ("", api.classic.org_id)]
    return [api for api in asked if await _records(node).client(api.api_id, client_id) is not None]


def knows_clients(api: Api) -> bool:
    """Return whether an API may have clients: its tokens are ours, or name a client."""
    return api.classic.use_oauth2 or api.classic.enable_jwt


def _records(node: Node) -> Any:
    return node.services.oauth.records


async def _sent(node: Node, request: Request) -> ClientBody:
    try:
        return gojson.decode(await read_body(node, request), ClientBody)
    except ConfigError:
        raise Refused(500, MALFORMED) from None


def _api_of(node: Node, request: Request, refusal: str) -> Api:
    api = node.find_api(request.path_params["apiID"])
    if api is None:
        raise Refused(404, refusal)
    return api


async def _clients(node: Node, api: Api) -> Sequence[OAuthClient]:
    if not api.classic.use_oauth2:
        return []
    found: Sequence[OAuthClient] = await _records(node).clients(api.api_id, api.classic.org_id)
    return found


async def _client(node: Node, api: Api, request: Request) -> OAuthClient:
    client: OAuthClient | None = await _records(node).client(api.api_id, request.path_params["keyName"])
    if client is None:
        raise Refused(404, NO_CLIENT)
    return client


async def _change(
    node: Node, api: Api, request: Request, change: Callable[[OAuthClient], OAuthClient]
) -> tuple[OAuthClient, OAuthClient]:
    client_id = request.path_params["keyName"]
    found: tuple[OAuthClient, OAuthClient] | None = await _records(node).change_client(
        api.api_id, api.classic.org_id, client_id, change
    )
    if found is None:
        raise Refused(404, NO_CLIENT)
    return found


def _apis_for(node: Node, sent: ClientBody) -> list[Api]:
    """Return the APIs that a new client is for. Raises Refused."""
    if sent.api_id:
        api = node.find_api(sent.api_id)
        if api is None:
            raise Refused(400, NO_API)
        if not api.classic.use_oauth2:
            raise Refused(400, NOT_OAUTH)
        return [api]
    policy = node.policies.get(sent.policy_id)
    if policy is None:
        raise Refused(400, NO_POLICY)
    found = [node.find_api(api_id) for api_id in policy.access_rights]
    apis = [api for api in found if api is not None]
    if len(apis) < len(found):
        raise Refused(400, NO_API)
    apis = [api for api in apis if knows_clients(api)]
    if not apis:
        raise Refused(400, NOT_OAUTH)
    return apis
