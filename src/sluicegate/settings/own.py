"""Settings that Tyk does not have: the cluster, and what is this gateway's own."""

from __future__ import annotations

from typing import Literal

from sluicegate.settings.section import Amount, Seconds, Section


class Cluster(Section, frozen=True):
    """Nodes that share a store."""

    enabled: bool = False
    """This node belongs to a cluster; needs a store that several machines reach."""
    node_id: str = ""
    """Name of this node in the cluster. Empty: made up once, and kept beside the snapshot."""
    data_sync_interval: Seconds = 10.0
    """Seconds between two looks for changes that no message told of."""


class Prometheus(Section, frozen=True):
    """The page that Prometheus fetches metrics from."""

    enabled: bool = True
    """Serve it, on the port of the admin API."""
    path: str = "/metrics"
    """Where."""
    max_apis: Amount = 1000
    """APIs that have series of their own; those beyond are counted together as `other`."""


class Ejection(Section, frozen=True):
    """When a target that fails is left out for a while (the last one never is)."""

    failures: Amount = 3
    """Failed connections in a row that eject a target. 0: never."""
    base_s: Seconds = 1.0
    """How long the first time; doubled at every further ejection."""
    max_s: Seconds = 30.0
    """How long at most."""


class StoreFailure(Section, frozen=True):
    """What happens while the store does not answer. Nobody is ever refused as unknown or over a limit because of it."""

    timeout_s: Seconds = 0.5
    """How long a request waits for the store; `storage.timeout` is for all else."""
    limits: Literal["local", "open", "closed"] = "local"
    """Limits: each node counts its share by itself, or they are `open`, or limited requests get 503 (`closed`). An API
    may say otherwise: `limits_on_store_failure`."""
    stale_sessions_s: Seconds = 300.0
    """For how long a key that was in use goes by what it was when it was last read; others get 503. 0: not at all."""
    saved_sessions: str = ""
    """File for an encrypted copy of the keys that were used lately, so that a node that starts while the store is away
    knows them (up to `stale_sessions_s`). Empty: none is written."""


class Sluicegate(Section, frozen=True):
    """What is this gateway's own. Limits on what a client controls are on by default."""

    workers: Amount = 0
    """Worker processes. 0: one for each processor this process may use."""
    store_path: str = ""
    """File of the embedded store. Empty: `sluicegate.db` beside the configuration file, or in the working directory."""
    snapshot_path: str = ""
    """File with the last good shared configuration, for a start with the store away. Empty: beside `store_path`."""
    proxy_protocol: bool = False
    """Every client connection begins with a PROXY protocol header (v1 or v2), which names the client."""
    max_connections: Amount = 10_000
    """Client connections of one worker; those beyond are closed at once. Where the system allows fewer than twice as
    many open files, it is half of what it allows."""
    max_header_bytes: Amount = 65_536
    """Bytes of a request's head, and of an answer's; more is answered with 431, or with 500 for an answer."""
    max_header_count: Amount = 200
    """Header fields of a message; more is answered as too many bytes are."""
    header_timeout_s: Seconds = 10.0
    """Time for the head of a request, from its first byte to its last."""
    body_timeout_s: Seconds = 60.0
    """Longest silence while a request body is being read."""
    idle_timeout_s: Seconds = 75.0
    """How long a client's connection may wait for its next request."""
    upstream_idle_timeout_s: Seconds = 55.0
    """How long an unused connection to a target is kept."""
    upstream_max_idle: Amount = 128
    """Unused connections a worker keeps for one target, where `max_idle_connections_per_host` sets none."""
    ejection: Ejection = Ejection()
    prometheus: Prometheus = Prometheus()
    limiter: Literal["", "exact", "tyk"] = ""
    """How rates are counted over Redis, where no setting of Tyk's chooses an algorithm: `exact` over all nodes, or
    `tyk`: divided among the nodes that announce themselves. Empty: `exact` in a cluster, else each node by itself."""
    store_failure: StoreFailure = StoreFailure()
    analytics_file: str = ""
    """With the embedded store: file for records; `sluicegate records` shows them. Empty: beside the store."""
