"""Where an API listens: `x-tyk-api-gateway.server` (contract 02.8)."""

from __future__ import annotations

from collections.abc import Sequence

from sluicegate.apidef.gotypes import NO_TIME, Duration, GoStruct, Omit
from sluicegate.apidef.oas.authentication import Authentication
from sluicegate.apidef.oas.operation import Header


class BatchProcessing(GoStruct, frozen=True):
    """At `server.batchProcessing`."""

    enabled: bool = False  # enable_batch_request_support


class ClientCertificates(GoStruct, frozen=True):
    """At `server.clientCertificates`."""

    enabled: bool = False  # use_mutual_tls_auth
    allowlist: Sequence[str] = ()  # client_certificates


class DetailedActivityLogs(GoStruct, frozen=True):
    """At `server.detailedActivityLogs`."""

    enabled: bool = False  # enable_detailed_recording


class DetailedTracing(GoStruct, frozen=True):
    """At `server.detailedTracing`."""

    enabled: bool = False  # detailed_tracing


class Domain(GoStruct, frozen=True):
    """At `server.customDomain`."""

    enabled: bool = False  # domain_disabled
    name: str = ""  # domain
    certificates: Omit[Sequence[str]] = ()  # certificates


class EventHandler(GoStruct, frozen=True):
    """At `server.eventHandlers[]`: what all kinds have, and then what each kind has."""

    enabled: bool = False  # event_handlers.events[].handler_meta.disabled
    trigger: str = ""  # event_handlers.events
    type: str = ""  # event_handlers.events[].handler
    id: Omit[str] = ""  # event_handlers.events[].handler_meta.id
    name: Omit[str] = ""  # event_handlers.events[].handler_meta.name
    url: Omit[str] = ""  # event_handlers.events[].handler_meta.target_path
    method: Omit[str] = ""  # event_handlers.events[].handler_meta.method
    cooldownPeriod: Omit[Duration] = NO_TIME  # event_handlers.events[].handler_meta.event_timeout
    bodyTemplate: Omit[str] = ""  # event_handlers.events[].handler_meta.template_path
    headers: Omit[Sequence[Header]] = ()  # event_handlers.events[].handler_meta.header_map
    functionName: Omit[str] = ""  # event_handlers.events[].handler_meta.method_name
    path: Omit[str] = ""  # event_handlers.events[].handler_meta.path
    logPrefix: Omit[str] = ""  # event_handlers.events[].handler_meta.prefix


class GatewayTags(GoStruct, frozen=True):
    """At `server.gatewayTags`."""

    enabled: bool = False  # tags_disabled
    tags: Sequence[str] = ()  # tags


class IPAccessControl(GoStruct, frozen=True):
    """At `server.ipAccessControl`."""

    enabled: bool = False  # ip_access_control_disabled
    allow: Omit[Sequence[str]] = ()  # allowed_ips
    block: Omit[Sequence[str]] = ()  # blacklisted_ips


class ListenPath(GoStruct, frozen=True):
    """At `server.listenPath`."""

    value: str = ""  # proxy.listen_path
    strip: Omit[bool] = False  # proxy.strip_listen_path


class Server(GoStruct, frozen=True):
    """At `server`."""

    listenPath: ListenPath = ListenPath()
    authentication: Omit[Authentication | None] = None
    clientCertificates: Omit[ClientCertificates | None] = None
    gatewayTags: Omit[GatewayTags | None] = None
    customDomain: Omit[Domain | None] = None  # domain
    detailedActivityLogs: Omit[DetailedActivityLogs | None] = None
    detailedTracing: Omit[DetailedTracing | None] = None  # detailed_tracing
    eventHandlers: Omit[Sequence[EventHandler]] = ()  # event_handlers
    ipAccessControl: Omit[IPAccessControl | None] = None  # allowed_ips, blacklisted_ips
    batchProcessing: Omit[BatchProcessing | None] = None  # enable_batch_request_support
    protocol: Omit[str] = ""  # protocol
    port: Omit[int] = 0  # listen_port
    limitsOnStoreFailure: Omit[str] = ""  # limits_on_store_failure; beyond what Tyk has
