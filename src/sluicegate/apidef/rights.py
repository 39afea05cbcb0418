"""How the access rights of two policies for one API become one: the acl part (contract 03.4, step 6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from sluicegate.apidef.generosity import more
from sluicegate.apidef.session import (
    AccessControlRules,
    AccessDefinition,
    AccessSpec,
    FieldAccessDefinition,
    FieldLimits,
    GraphQLType,
    MCPAccessRights,
)


def merge_rights(first: AccessDefinition, second: AccessDefinition) -> AccessDefinition:
    """Return the first definition with what the second allows and restricts besides; limits are left alone."""
    return replace(
        first,
        versions=union(first.versions, second.versions),
        allowed_urls=_merge_urls(first.allowed_urls, second.allowed_urls),
        restricted_types=_merge_types(first.restricted_types, second.restricted_types),
        allowed_types=_merge_types(first.allowed_types, second.allowed_types),
        field_access_rights=_merge_fields(first.field_access_rights, second.field_access_rights),
        disable_introspection=first.disable_introspection or second.disable_introspection,
        json_rpc_methods_access_rights=_merge_rules(
            first.json_rpc_methods_access_rights, second.json_rpc_methods_access_rights
        ),
        mcp_access_rights=MCPAccessRights(
            tools=_merge_rules(first.mcp_access_rights.tools, second.mcp_access_rights.tools),
            resources=_merge_rules(first.mcp_access_rights.resources, second.mcp_access_rights.resources),
            prompts=_merge_rules(first.mcp_access_rights.prompts, second.mcp_access_rights.prompts),
        ),
    )


def limits_tools(rights: AccessDefinition) -> bool:
    """Return whether anything is said of JSON-RPC methods, tools, resources or prompts: of what MCP proxies have."""
    lists = rights.mcp_access_rights
    rules = (rights.json_rpc_methods_access_rights, lists.tools, lists.resources, lists.prompts)
    return bool(rights.json_rpc_methods or rights.mcp_primitives) or any(one.allowed or one.blocked for one in rules)


def union(first: Iterable[str], second: Iterable[str]) -> Sequence[str]:
    """Return the members of both, each once, in order."""
    return list(dict.fromkeys([*first, *second])) or ()


def _merge_urls(first: Sequence[AccessSpec], second: Sequence[AccessSpec]) -> Sequence[AccessSpec]:
    methods: dict[str, Sequence[str]] = {}
    for spec in (*first, *second):
        methods[spec.url] = union(methods.get(spec.url, ()), spec.methods)
    return [AccessSpec(url=url, methods=allowed) for url, allowed in methods.items()] or ()


def _merge_types(first: Sequence[GraphQLType], second: Sequence[GraphQLType]) -> Sequence[GraphQLType]:
    fields: dict[str, Sequence[str]] = {}
    for kind in (*first, *second):
        fields[kind.name] = union(fields.get(kind.name, ()), kind.fields)
    return [GraphQLType(name=name, fields=listed) for name, listed in fields.items()] or ()


def _merge_fields(
    first: Sequence[FieldAccessDefinition], second: Sequence[FieldAccessDefinition]
) -> Sequence[FieldAccessDefinition]:
    depths: dict[tuple[str, str], int] = {}
    for field in (*first, *second):
        key, depth = (field.type_name, field.field_name), field.limits.max_query_depth
        depths[key] = more(depths[key], depth) if key in depths else depth
    return [
        FieldAccessDefinition(type_name=kind, field_name=name, limits=FieldLimits(max_query_depth=depth))
        for (kind, name), depth in depths.items()
    ] or ()


def _merge_rules(first: AccessControlRules, second: AccessControlRules) -> AccessControlRules:
    return AccessControlRules(
        allowed=union(first.allowed, second.allowed), blocked=union(first.blocked, second.blocked)
    )
