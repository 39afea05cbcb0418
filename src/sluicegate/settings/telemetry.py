"""Settings of what is seen from outside: analytics, access log, traces, metrics."""

from __future__ import annotations

from typing import Any

from sluicegate.settings.section import FloatOrDefault, IntOrDefault, Section, StrOrDefault


class NormaliseURLs(Section, frozen=True):
    """Ids in recorded paths are replaced by a placeholder."""

    enabled: bool = False
    """Do it."""
    normalise_uuids: bool = False
    """UUIDs become `{uuid}`."""
    normalise_ulids: bool = False
    """ULIDs become `{ulid}`."""
    normalise_numbers: bool = False
    """Numbers right after a slash become `{id}`."""
    custom_patterns: list[str] = []
    """Expressions whose matches become `{var}`."""


class AnalyticsConfig(Section, frozen=True):
    """What is recorded of each request, and where it goes."""

    type: str = ""
    """Kind of sink; `rpc` sends to the multi-region hub."""
    ignored_ips: list[str] = []
    """Addresses whose requests leave no record."""
    enable_detailed_recording: bool = False
    """Keep requests and answers whole."""
    enable_geo_ip: bool = False
    """Look up the country and city of clients."""
    geo_ip_db_path: str = ""
    """MaxMind database for it."""
    normalise_urls: NormaliseURLs = NormaliseURLs()
    pool_size: int = 0
    """Without effect: each worker writes its own records."""
    records_buffer_size: int = 1000
    """Records that may wait to be written; at least 1000. When it is full, the oldest are lost and counted."""
    storage_expiration_time: IntOrDefault = 60
    """Seconds that written records wait in the store to be fetched."""
    enable_multiple_analytics_keys: bool = False
    """Spread the records over ten lists instead of one."""
    purge_interval: FloatOrDefault = 10
    """Seconds between deliveries to the multi-region hub."""
    serializer_type: StrOrDefault = "msgpack"
    """Form of a record: `msgpack` or `protobuf`."""


class AccessLogs(Section, frozen=True):
    """One log line for each request."""

    enabled: bool = False
    """Write it."""
    template: list[str] = []
    """Fields to keep; empty: all (contract 12.2)."""


class Tracing(Section, frozen=True):
    """OpenTracing, which OpenTelemetry has replaced."""

    name: str = ""
    """`jaeger`, `zipkin` or `appdash`."""
    enabled: bool = False
    """Trace."""
    options: dict[str, Any] = {}
    """Options of the tracer."""


class OTelTLS(Section, frozen=True):
    """TLS towards a collector."""

    enable: bool = False
    """Speak TLS."""
    insecure_skip_verify: bool = False
    """Do not verify the collector's certificate."""
    ca_file: str = ""
    """PEM file of the authorities that are trusted."""
    cert_file: str = ""
    """PEM file of the client certificate."""
    key_file: str = ""
    """PEM file of its key."""
    max_version: StrOrDefault = "1.3"
    """Highest TLS version."""
    min_version: StrOrDefault = "1.2"
    """Lowest TLS version."""


class OTelBatch(Section, frozen=True):
    """How spans are batched."""

    max_queue_size: IntOrDefault = 2048
    """Spans that may wait."""
    max_export_batch_size: IntOrDefault = 512
    """Spans in one delivery."""
    batch_timeout: IntOrDefault = 5
    """Seconds until a batch that is not full leaves."""


class OTelSampling(Section, frozen=True):
    """Which requests are traced."""

    type: StrOrDefault = "AlwaysOn"
    """`AlwaysOn`, `AlwaysOff` or `TraceIDRatioBased`."""
    rate: FloatOrDefault = 0.5
    """Share of the requests, from 0 to 1, with `TraceIDRatioBased`."""
    parent_based: bool = False
    """Follow the decision of the caller, if there is one."""


class OTelExport(Section, frozen=True):
    """Where spans go, and which."""

    enabled: bool = False
    """Trace requests."""
    exporter: StrOrDefault = "grpc"
    """`grpc` or `http`."""
    endpoint: StrOrDefault = "localhost:4317"
    """Address of the collector."""
    headers: dict[str, str] = {}
    """Headers sent to the collector."""
    connection_timeout: IntOrDefault = 1
    """Seconds to connect."""
    resource_name: StrOrDefault = "tyk-gateway"
    """Name of the service."""
    tls: OTelTLS = OTelTLS()
    span_processor_type: StrOrDefault = "batch"
    """`batch` or `simple`."""
    span_batch_config: OTelBatch = OTelBatch()
    context_propagation: StrOrDefault = "tracecontext"
    """How a trace is passed on: `tracecontext`, `b3` or `custom`."""
    custom_trace_header: str = ""
    """Header with the trace id, with `custom`."""
    sampling: OTelSampling = OTelSampling()


class MCPTraceSource(Section, frozen=True):
    """A place of an MCP message where a trace context may stand."""

    type: str = ""
    name: str = ""


class MCPTraceContext(Section, frozen=True):
    """Where the trace context of MCP messages is read."""

    read_sources: list[MCPTraceSource] = []
    """Places, the first that has one counts."""


class OTelTraces(OTelExport, frozen=True):
    """The same as at the root of `opentelemetry`; counts instead of it when enabled."""

    mcp: MCPTraceContext = MCPTraceContext()


class OTelRetry(Section, frozen=True):
    """How a failed delivery is tried again; times in milliseconds."""

    enabled: bool | None = None
    """Try again. Absent: yes."""
    initial_interval: int = 0
    """Wait before the first repetition."""
    max_interval: int = 0
    """Longest wait between two."""
    max_elapsed_time: int = 0
    """When to give up."""


class OTelMetrics(Section, frozen=True):
    """Metrics that are pushed to a collector; what is not set is taken from the traces' settings."""

    enabled: bool | None = None
    """Push metrics."""
    exporter: str = ""
    """`grpc` or `http`."""
    endpoint: str = ""
    """Address of the collector."""
    headers: dict[str, str] = {}
    """Headers sent to the collector."""
    connection_timeout: int = 0
    """Seconds to connect."""
    resource_name: str = ""
    """Name of the service."""
    tls: OTelTLS = OTelTLS()
    export_interval: int = 0
    """Seconds between two deliveries."""
    temporality: str = ""
    """`cumulative` or `delta`."""
    shutdown_timeout: int = 0
    """Seconds for the last delivery."""
    cardinality_limit: int = 0
    """Series at most for each instrument."""
    retry: OTelRetry = OTelRetry()
    runtime_metrics: bool | None = None
    """Metrics of the process. Absent: yes."""
    api_metrics: list[dict[str, Any]] | None = None
    """Instruments of our own (contract 12.4). Absent: the default ones; empty: none."""


class OpenTelemetry(OTelExport, frozen=True):
    """OpenTelemetry: traces and metrics."""

    traces: OTelTraces = OTelTraces()
    metrics: OTelMetrics = OTelMetrics()


class NewRelic(Section, frozen=True):
    """New Relic."""

    app_name: str = ""
    """Name of the application there."""
    license_key: str = ""
    """Licence key."""
    enable_distributed_tracing: bool = False
    """Pass traces on."""
