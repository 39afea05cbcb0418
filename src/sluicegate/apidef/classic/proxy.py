"""Where requests go: the upstream parts of a classic definition (contract 02.3, 02.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sluicegate.apidef.gotypes import NIL_MAP, GoStruct, Int64, Nanoseconds, Omit, Uint16


class LoadBalancing(GoStruct, frozen=True):
    """How a target is chosen, beyond what Tyk has: at `proxy.load_balancing`."""

    algorithm: Omit[str] = ""
    cookie_name: Omit[str] = ""
    weights: Omit[Sequence[int]] = ()


class ProxyTransport(GoStruct, frozen=True):
    """At `proxy.transport`."""

    ssl_insecure_skip_verify: bool = False
    ssl_ciphers: Sequence[str] = ()
    ssl_min_version: Uint16 = 0
    ssl_max_version: Uint16 = 0
    ssl_force_common_name_check: bool = False
    proxy_url: str = ""
    ssl_ca_file: Omit[str] = ""  # not in Tyk: PEM file of the authorities to trust instead of the system's


class ServiceDiscoveryConfiguration(GoStruct, frozen=True):
    """At `proxy.service_discovery`."""

    use_discovery_service: bool = False
    query_endpoint: str = ""
    use_nested_query: bool = False
    parent_data_path: str = ""
    data_path: str = ""
    port_data_path: str = ""
    target_path: str = ""
    use_target_list: bool = False
    cache_disabled: bool = False
    cache_timeout: Int64 = 0
    endpoint_returns_list: bool = False


class ProxyConfig(GoStruct, frozen=True):
    """At `proxy`."""

    preserve_host_header: bool = False
    listen_path: str = ""
    target_url: str = ""
    disable_strip_slash: bool = False
    strip_listen_path: bool = False
    enable_load_balancing: bool = False
    target_list: Sequence[str] = ()
    check_host_against_uptime_tests: bool = False
    service_discovery: ServiceDiscoveryConfiguration = ServiceDiscoveryConfiguration()
    transport: ProxyTransport = ProxyTransport()
    load_balancing: Omit[LoadBalancing | None] = None


class CheckCommand(GoStruct, frozen=True):
    """At `uptime_tests.check_list[].commands[]`."""

    name: str = ""
    message: str = ""


class HostCheckObject(GoStruct, frozen=True):
    """At `uptime_tests.check_list[]`."""

    url: str = ""
    protocol: str = ""
    timeout: Nanoseconds = 0
    enable_proxy_protocol: bool = False
    commands: Sequence[CheckCommand] = ()
    method: str = ""
    headers: Mapping[str, str] = NIL_MAP
    body: str = ""


class UptimeTestsConfig(GoStruct, frozen=True):
    """At `uptime_tests.config`."""

    expire_utime_after: Int64 = 0
    service_discovery: ServiceDiscoveryConfiguration = ServiceDiscoveryConfiguration()
    recheck_wait: int = 0


class UptimeTests(GoStruct, frozen=True):
    """At `uptime_tests`."""

    disabled: bool = False
    check_list: Sequence[HostCheckObject] = ()
    config: UptimeTestsConfig = UptimeTestsConfig()
