"""Where requests go: `x-tyk-api-gateway.upstream` (contract 02.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sluicegate.apidef.gotypes import NIL_MAP, NO_TIME, Duration, GoStruct, Int64, Omit
from sluicegate.apidef.oas.upstream_auth import UpstreamAuth


class PinnedPublicKey(GoStruct, frozen=True):
    """At `upstream.certificatePinning.domainToPublicKeysMapping[]`."""

    domain: str = ""
    publicKeys: Sequence[str] = ()


class CertificatePinning(GoStruct, frozen=True):
    """At `upstream.certificatePinning`."""

    enabled: bool = False  # certificate_pinning_disabled
    domainToPublicKeysMapping: Sequence[PinnedPublicKey] = ()  # pinned_public_keys


class GlobalEnforceTimeout(GoStruct, frozen=True):
    """At `upstream.enforceTimeout`."""

    enabled: bool = False  # version_data.versions.<version_name>.global_enforce_timeout_disabled
    duration: Omit[Duration] = NO_TIME  # version_data.versions.<version_name>.global_enforce_timeout


class LoadBalancingTarget(GoStruct, frozen=True):
    """At `upstream.loadBalancing.targets[]`."""

    url: str = ""
    weight: int = 0


class LoadBalancing(GoStruct, frozen=True):
    """At `upstream.loadBalancing`; `algorithm` and `cookieName` are beyond what Tyk has."""

    enabled: bool = False
    skipUnavailableHosts: Omit[bool] = False
    targets: Omit[Sequence[LoadBalancingTarget]] = ()
    algorithm: Omit[str] = ""  # proxy.load_balancing.algorithm
    cookieName: Omit[str] = ""  # proxy.load_balancing.cookie_name


class DomainToCertificate(GoStruct, frozen=True):
    """At `upstream.mutualTLS.domainToCertificateMapping[]`."""

    domain: str = ""
    certificate: str = ""


class MutualTLS(GoStruct, frozen=True):
    """At `upstream.mutualTLS`."""

    enabled: bool = False  # upstream_certificates_disabled
    domainToCertificateMapping: Sequence[DomainToCertificate] = ()  # upstream_certificates


class PreserveHostHeader(GoStruct, frozen=True):
    """At `upstream.preserveHostHeader`."""

    enabled: bool = False


class PreserveTrailingSlash(GoStruct, frozen=True):
    """At `upstream.preserveTrailingSlash`."""

    enabled: bool = False


class Proxy(GoStruct, frozen=True):
    """At `upstream.proxy`."""

    enabled: bool = False
    url: str = ""


class RateLimit(GoStruct, frozen=True):
    """At `upstream.rateLimit`."""

    enabled: bool = False  # not disable_rate_limit
    rate: int = 0  # global_rate_limit.rate
    per: Duration = NO_TIME  # global_rate_limit.per


class ServiceDiscoveryCache(GoStruct, frozen=True):
    """At `upstream.serviceDiscovery.cache`."""

    enabled: bool = False  # service_discovery.cache_disabled
    timeout: Omit[Int64] = 0  # service_discovery.cache_timeout


class ServiceDiscovery(GoStruct, frozen=True):
    """At `upstream.serviceDiscovery`."""

    enabled: bool = False  # service_discovery.use_discovery_service
    queryEndpoint: Omit[str] = ""  # service_discovery.query_endpoint
    dataPath: Omit[str] = ""  # service_discovery.data_path
    useNestedQuery: Omit[bool] = False  # service_discovery.use_nested_query
    parentDataPath: Omit[str] = ""  # service_discovery.parent_data_path
    portDataPath: Omit[str] = ""  # service_discovery.port_data_path
    useTargetList: Omit[bool] = False  # service_discovery.use_target_list
    cacheTimeout: Omit[Int64] = 0  # service_discovery.cache_timeout
    cache: Omit[ServiceDiscoveryCache | None] = None
    targetPath: Omit[str] = ""  # service_discovery.target_path
    endpointReturnsList: Omit[bool] = False  # service_discovery.endpoint_returns_list


class TLSTransport(GoStruct, frozen=True):
    """At `upstream.tlsTransport`."""

    insecureSkipVerify: Omit[bool] = False  # proxy.transport.ssl_insecure_skip_verify
    ciphers: Omit[Sequence[str]] = ()  # proxy.transport.ssl_ciphers
    minVersion: Omit[str] = ""  # proxy.transport.ssl_min_version
    maxVersion: Omit[str] = ""
    forceCommonNameCheck: Omit[bool] = False  # proxy.transport.ssl_force_common_name_check


class UptimeTestCommand(GoStruct, frozen=True):
    """At `upstream.uptimeTests.tests[].commands[]`."""

    name: str = ""
    message: str = ""


class UptimeTest(GoStruct, frozen=True):
    """At `upstream.uptimeTests.tests[]`."""

    url: str = ""
    timeout: Omit[Duration] = NO_TIME
    method: str = ""
    headers: Omit[Mapping[str, str]] = NIL_MAP
    body: Omit[str] = ""
    commands: Omit[Sequence[UptimeTestCommand]] = ()
    enableProxyProtocol: bool = False


class UptimeTests(GoStruct, frozen=True):
    """At `upstream.uptimeTests`."""

    enabled: bool = False  # uptime_tests.disabled
    serviceDiscovery: Omit[ServiceDiscovery | None] = None  # proxy.service_discovery
    tests: Omit[Sequence[UptimeTest]] = ()
    hostDownRetestPeriod: Omit[Duration] = NO_TIME
    logRetentionPeriod: Omit[Duration] = NO_TIME


class Upstream(GoStruct, frozen=True):
    """At `upstream`."""

    url: str = ""  # proxy.target_url
    serviceDiscovery: Omit[ServiceDiscovery | None] = None  # proxy.service_discovery
    uptimeTests: Omit[UptimeTests | None] = None  # uptime_tests, check_host_against_uptime_tests
    mutualTLS: Omit[MutualTLS | None] = None  # upstream_certificates_disabled, upstream_certificates
    certificatePinning: Omit[CertificatePinning | None] = None  # certificate_pinning_disabled, pinned_public_keys
    rateLimit: Omit[RateLimit | None] = None  # global_rate_limit
    authentication: Omit[UpstreamAuth | None] = None  # upstream_auth
    loadBalancing: Omit[LoadBalancing | None] = None  # proxy.enable_load_balancing, proxy.targets
    preserveHostHeader: Omit[PreserveHostHeader | None] = None  # proxy.preserve_host_header
    preserveTrailingSlash: Omit[PreserveTrailingSlash | None] = None  # proxy.disable_strip_slash
    tlsTransport: Omit[TLSTransport | None] = None  # proxy.transport
    proxy: Omit[Proxy | None] = None  # proxy.proxy_url
    enforceTimeout: Omit[GlobalEnforceTimeout | None] = None
