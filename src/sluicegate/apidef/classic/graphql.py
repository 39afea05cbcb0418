"""GraphQL in a classic definition (contract 02.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sluicegate.apidef.gotypes import NIL_MAP, GoStruct, Omit


class GraphQLTypeFields(GoStruct, frozen=True):
    """At `graphql.engine.data_sources[].root_fields[]`."""

    type: str = ""
    fields: Sequence[str] = ()


class GraphQLEngineDataSource(GoStruct, frozen=True):
    """At `graphql.engine.data_sources[]`."""

    kind: str = ""
    name: str = ""
    internal: bool = False
    root_fields: Sequence[GraphQLTypeFields] = ()
    config: Any = None


class GraphQLFieldConfig(GoStruct, frozen=True):
    """At `graphql.engine.field_configs[]`."""

    type_name: str = ""
    field_name: str = ""
    disable_default_mapping: bool = False
    path: Sequence[str] = ()


class UDGGlobalHeader(GoStruct, frozen=True):
    """At `graphql.engine.global_headers[]`."""

    key: str = ""
    value: str = ""


class GraphQLEngineConfig(GoStruct, frozen=True):
    """At `graphql.engine`."""

    field_configs: Sequence[GraphQLFieldConfig] = ()
    data_sources: Sequence[GraphQLEngineDataSource] = ()
    global_headers: Sequence[UDGGlobalHeader] = ()


class GraphQLIntrospectionConfig(GoStruct, frozen=True):
    """At `graphql.introspection`."""

    disabled: bool = False


class GraphQLPlayground(GoStruct, frozen=True):
    """At `graphql.playground`."""

    enabled: bool = False
    path: str = ""


class GraphQLProxyFeaturesConfig(GoStruct, frozen=True):
    """At `graphql.proxy.features`."""

    use_immutable_headers: bool = False


class GraphQLResponseExtensions(GoStruct, frozen=True):
    """At `graphql.proxy.use_response_extensions`."""

    on_error_forwarding: bool = False


class RequestHeadersRewriteConfig(GoStruct, frozen=True):
    """At `graphql.proxy.request_headers_rewrite{}`."""

    value: str = ""
    remove: bool = False


class GraphQLProxyConfig(GoStruct, frozen=True):
    """At `graphql.proxy`."""

    features: GraphQLProxyFeaturesConfig = GraphQLProxyFeaturesConfig()
    auth_headers: Mapping[str, str] = NIL_MAP
    subscription_type: Omit[str] = ""
    sse_use_post: bool = False
    request_headers: Mapping[str, str] = NIL_MAP
    use_response_extensions: GraphQLResponseExtensions = GraphQLResponseExtensions()
    request_headers_rewrite: Mapping[str, RequestHeadersRewriteConfig] = NIL_MAP


class GraphQLSubgraphConfig(GoStruct, frozen=True):
    """At `graphql.subgraph`."""

    sdl: str = ""


class GraphQLSubgraphEntity(GoStruct, frozen=True):
    """At `graphql.supergraph.subgraphs[]`."""

    api_id: str = ""
    name: str = ""
    url: str = ""
    sdl: str = ""
    headers: Mapping[str, str] = NIL_MAP
    subscription_type: Omit[str] = ""
    sse_use_post: bool = False


class GraphQLSupergraphConfig(GoStruct, frozen=True):
    """At `graphql.supergraph`."""

    updated_at: Omit[str] = ""
    subgraphs: Sequence[GraphQLSubgraphEntity] = ()
    merged_sdl: str = ""
    global_headers: Mapping[str, str] = NIL_MAP
    disable_query_batching: bool = False


class GraphQLConfig(GoStruct, frozen=True):
    """At `graphql`."""

    enabled: bool = False
    execution_mode: str = ""
    version: str = ""
    schema: str = ""
    last_schema_update: Omit[str] = ""
    type_field_configurations: Sequence[Any] = ()
    playground: GraphQLPlayground = GraphQLPlayground()
    engine: GraphQLEngineConfig = GraphQLEngineConfig()
    proxy: GraphQLProxyConfig = GraphQLProxyConfig()
    subgraph: GraphQLSubgraphConfig = GraphQLSubgraphConfig()
    supergraph: GraphQLSupergraphConfig = GraphQLSupergraphConfig()
    introspection: GraphQLIntrospectionConfig = GraphQLIntrospectionConfig()


class QueryVariable(GoStruct, frozen=True):
    """"""

    name: str = ""
    value: str = ""


class GraphQLEngineDataSourceConfigREST(GoStruct, frozen=True):
    """`config` of a REST data source."""

    url: str = ""
    method: str = ""
    headers: Mapping[str, str] = NIL_MAP
    query: Sequence[QueryVariable] = ()
    body: str = ""


class GraphQLEngineDataSourceConfigGraphQL(GoStruct, frozen=True):
    """`config` of a GraphQL data source."""

    url: str = ""
    method: str = ""
    headers: Mapping[str, str] = NIL_MAP
    subscription_type: Omit[str] = ""
    sse_use_post: bool = False
    has_operation: bool = False
    operation: str = ""
    variables: Any = None


class GraphQLEngineKafkaSASL(GoStruct, frozen=True):
    """"""

    enable: bool = False
    user: str = ""
    password: str = ""


class GraphQLEngineDataSourceConfigKafka(GoStruct, frozen=True):
    """`config` of a Kafka data source."""

    broker_addresses: Sequence[str] = ()
    topics: Sequence[str] = ()
    group_id: str = ""
    client_id: str = ""
    kafka_version: str = ""
    start_consuming_latest: bool = False
    balance_strategy: str = ""
    isolation_level: str = ""
    sasl: GraphQLEngineKafkaSASL = GraphQLEngineKafkaSASL()
