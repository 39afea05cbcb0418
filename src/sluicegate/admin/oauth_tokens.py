"""`/tyk/oauth/…`: which tokens a client has, and their end (contract 04.9)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.body import read_body
from sluicegate.admin.envelope import Refused, answer, changed, said
from sluicegate.admin.node import Node
from sluicegate.admin.oauth_clients import NO_CLIENT, apis_with, knows_clients
from sluicegate.admin.query import query_of
from sluicegate.apidef.gotypes import GoStruct

PAGE_SIZE = 100
NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 100


class TokenBody(GoStruct, frozen=True):
    """A token: the name of its session, which is its hash where keys are hashed, and when it expires, Unix seconds."""

    code: str
    expires: int


class PageBody(GoStruct, frozen=True):
    """Which page this is."""

    page_num: int
    page_total: int
    page_size: int = PAGE_SIZE


class TokensBody(GoStruct, frozen=True, rename={"pagination": "Pagination", "tokens": "Tokens"}):
    """A page of tokens."""

    pagination: PageBody
    tokens: Sequence[TokenBody]


async def show_all(node: Node, request: Request) -> Response:
    """Answer the tokens of a client that have not expired, all or a page of them."""
    api = node.find_api(request.path_params["apiID"])
    if api is None:
        raise Refused(404, NO_CLIENT)
    found = await node.services.oauth.records.tokens(api.api_id, request.path_params["keyName"])
    tokens = [TokenBody(name, expires) for name, expires in found]
    page = query_of(request).get("page", "")
    if not page:
        return answer(tokens)
    number = max(1, int(page)) if NUMBER.fullmatch(page) else 1
    start = (number - 1) * PAGE_SIZE
    total = -(-len(tokens) // PAGE_SIZE)
    return answer(TokensBody(PageBody(number, total), tokens[start : start + PAGE_SIZE]))


async def delete_refresh(node: Node, request: Request) -> Response:
    """Remove a refresh token; its access token goes on."""
    api_id = query_of(request).get("api_id", "")
    if not api_id:
        raise Refused(400, "Missing parameter api_id")
    api = node.find_api(api_id)
    if api is None:
        raise Refused(404, "API for this refresh token not found")
    if not knows_clients(api):
        raise Refused(400, "OAuth is not enabled on this API")
    token = request.path_params["keyName"]
    await node.services.oauth.records.delete_refresh(api_id, token)
    return changed(token, "deleted")


async def revoke(node: Node, request: Request) -> Response:
    """End a token of a client, at all APIs that have the client."""
    form = await _form(node, request)
    token = form.get("token", "")
    if not token:
        raise Refused(400, "token is required")
    if not form.get("client_id"):
        raise Refused(400, "client_id is required")
    apis = await apis_with(node, form["client_id"], form.get("org_id", ""))
    if not apis:
        raise Refused(400, "oauth client doesn't exist")
    for api in apis:
        await node.services.oauth.revoke(api.api_id, token, form.get("token_type_hint", ""))
    return said("token revoked successfully")


async def revoke_all(node: Node, request: Request) -> Response:
    """End all tokens of a client that shows its secret; where it has another one, they go on."""
    form = await _form(node, request)
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    if not client_id or not secret:
        raise Refused(401, "client_secret is required" if client_id else "client_id is required")
    oauth = node.services.oauth
    apis = await apis_with(node, client_id, form.get("org_id", ""))
    if not apis:
        raise Refused(404, "oauth client doesn't exist")
    for api in apis:
        client = await oauth.records.client(api.api_id, client_id)
        if client is not None and hmac.compare_digest(client.secret.encode(), secret.encode()):
            await oauth.end_all(api.api_id, client_id, with_refresh=True)
    return said("tokens revoked successfully")


async def purge(node: Node, request: Request) -> Response:
    """Take the tokens that expired some time ago out of the lists of all clients."""
    scope = query_of(request).get("scope", "")
    if not scope:
        raise Refused(422, "scope parameter is required")
    if scope != "lapsed":
        raise Refused(400, "unknown scope")
    await node.purge_lapsed_tokens()
    return said("lapsed tokens purged")


async def _form(node: Node, request: Request) -> Mapping[str, str]:
    """Return the fields of a form, of several with one name the first."""
    body = await read_body(node, request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return {}
    try:
        fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Refused(400, "cannot parse form. Form malformed") from None
    return dict(reversed(fields))
