"""Everything that can be called, on one page: path, methods, and who answers. `openapi.yaml` describes the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from sluicegate.admin import (
    apis,
    cache,
    certs,
    cluster_apply,
    cluster_history,
    cluster_settings,
    cluster_status,
    config_view,
    debug,
    health,
    hello,
    key_writes,
    keys,
    oas_apis,
    oas_import,
    oauth_clients,
    oauth_tokens,
    openapi,
    org_keys,
    policies,
    reload,
    schema,
    versions,
)
from sluicegate.admin.resource import Call

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings

Routes = tuple[tuple[str, Mapping[str, Call]], ...]

ROUTES: Routes = (
    ("/tyk/reload", {"GET": reload.reload}),
    ("/tyk/reload/group", {"GET": reload.reload_group}),
    # definitions; what has a fixed name stands before what takes any id
    ("/tyk/apis", {"GET": apis.show_all, "POST": apis.create}),
    ("/tyk/apis/oas", {"GET": oas_apis.show_all, "POST": oas_apis.create}),
    ("/tyk/apis/oas/export", {"GET": oas_apis.export_all}),
    ("/tyk/apis/oas/import", {"POST": oas_import.create}),
    (
        "/tyk/apis/oas/{apiID}",
        {"GET": oas_apis.show, "PUT": oas_apis.update, "PATCH": oas_import.patch, "DELETE": oas_apis.delete},
    ),
    ("/tyk/apis/oas/{apiID}/export", {"GET": oas_apis.export}),
    ("/tyk/apis/oas/{apiID}/versions", {"GET": versions.show}),
    ("/tyk/apis/{apiID}", {"GET": apis.show, "POST": apis.create, "PUT": apis.update, "DELETE": apis.delete}),
    ("/tyk/apis/{apiID}/versions", {"GET": versions.show}),
    # keys
    ("/tyk/keys", {"GET": keys.show_all, "POST": key_writes.add, "PUT": key_writes.update, "DELETE": keys.delete}),
    ("/tyk/keys/create", {"POST": key_writes.create}),
    ("/tyk/keys/preview", {"POST": key_writes.preview}),
    ("/tyk/keys/policy/{keyName}", {"POST": key_writes.set_policies}),
    (
        "/tyk/keys/{keyName}",
        {"GET": keys.show, "POST": key_writes.add, "PUT": key_writes.update, "DELETE": keys.delete},
    ),
    ("/tyk/org/keys", {"GET": org_keys.show_all}),
    (
        "/tyk/org/keys/{orgID}",
        {"GET": org_keys.show, "POST": org_keys.write, "PUT": org_keys.write, "DELETE": org_keys.delete},
    ),
    # clients and tokens of the OAuth server
    ("/tyk/oauth/clients/create", {"POST": oauth_clients.create}),
    ("/tyk/oauth/clients/apis/{appID}", {"GET": oauth_clients.show_apis}),
    ("/tyk/oauth/clients/{apiID}", {"GET": oauth_clients.show_all}),
    (
        "/tyk/oauth/clients/{apiID}/{keyName}",
        {"GET": oauth_clients.show, "PUT": oauth_clients.update, "DELETE": oauth_clients.delete},
    ),
    ("/tyk/oauth/clients/{apiID}/{keyName}/rotate", {"PUT": oauth_clients.rotate}),
    ("/tyk/oauth/clients/{apiID}/{keyName}/tokens", {"GET": oauth_tokens.show_all}),
    ("/tyk/oauth/refresh/{keyName}", {"DELETE": oauth_tokens.delete_refresh}),
    ("/tyk/oauth/revoke", {"POST": oauth_tokens.revoke}),
    ("/tyk/oauth/revoke_all", {"POST": oauth_tokens.revoke_all}),
    ("/tyk/oauth/tokens", {"DELETE": oauth_tokens.purge}),
    # policies
    (
        "/tyk/policies",
        {
            "GET": policies.show_all,
            "POST": policies.create,
            "PUT": policies.update_none,
            "DELETE": policies.delete_none,
        },
    ),
    (
        "/tyk/policies/{polID}",
        {"GET": policies.show, "POST": policies.create, "PUT": policies.update, "DELETE": policies.delete},
    ),
    # certificates
    ("/tyk/certs", {"GET": certs.show_all, "POST": certs.add}),
    ("/tyk/certs/{certID}", {"GET": certs.show, "DELETE": certs.remove}),
    # the rest
    ("/tyk/cluster/apply", {"POST": cluster_apply.apply}),
    ("/tyk/cluster/history", {"GET": cluster_history.history}),
    ("/tyk/cluster/diff", {"GET": cluster_history.diff}),
    ("/tyk/cluster/rollback", {"POST": cluster_history.rollback}),
    (
        "/tyk/cluster/settings",
        {"GET": cluster_settings.show, "PUT": cluster_settings.put, "DELETE": cluster_settings.delete},
    ),
    ("/tyk/cluster/status", {"GET": cluster_status.show}),
    ("/tyk/cache/{apiID}", {"DELETE": cache.clear}),
    ("/tyk/health", {"GET": health.show}),
    ("/tyk/debug", {"POST": debug.debug}),
    ("/tyk/schema", {"GET": schema.show}),
    ("/tyk/openapi.json", {"GET": openapi.show}),
)
"""What the secret guards."""


def open_routes(settings: Settings) -> Iterator[tuple[str, Mapping[str, Call]]]:
    """Yield what is outside of `/tyk/`, under the names that the settings give it."""
    yield f"/{settings.health_check_endpoint_name.strip('/')}", {"GET": hello.hello}
    yield f"/{settings.readiness_check_endpoint_name.strip('/')}", {"GET": hello.ready}
    if settings.enable_config_inspection:
        yield "/config", {"GET": config_view.show_config}
        yield "/env", {"GET": config_view.show_env}
