"""The chain: every middleware, in the order in which a request meets it (contract 06.4).

A middleware stands in `ORDER` once and nowhere else; what a definition does not ask for is left out of its chain when
that is built. `RESPONSE_ORDER` are those that responses meet on their way back, in that order. `OWN_ENDPOINTS` is what
requests to endpoints of the gateway's own pass instead of a version and its chain (contract 06.1); the last of them
says which requests these are.
"""

from __future__ import annotations

from sluicegate.chain.middleware import Middleware
from sluicegate.middleware.access.ip_allow import IpAllow
from sluicegate.middleware.access.ip_block import IpBlock
from sluicegate.middleware.access.path_lists import PathLists
from sluicegate.middleware.access.track_endpoint import TrackEndpoint
from sluicegate.middleware.answers.cache import Cache
from sluicegate.middleware.answers.cors import Cors
from sluicegate.middleware.answers.mock_response import MockResponse
from sluicegate.middleware.answers.oauth_endpoints import OAuthEndpoints
from sluicegate.middleware.answers.rate_limits_report import RateLimitsReport
from sluicegate.middleware.auth.auth_token import AuthToken
from sluicegate.middleware.auth.basic_auth import BasicAuth
from sluicegate.middleware.auth.certificate_binding import CertificateBinding
from sluicegate.middleware.auth.client_certificates import ClientCertificates
from sluicegate.middleware.auth.key_expired import KeyExpired
from sluicegate.middleware.auth.oauth2 import OAuth2
from sluicegate.middleware.auth.strip_auth import StripAuth
from sluicegate.middleware.auth.token_signature import TokenSignature
from sluicegate.middleware.checks.request_size import RequestSize
from sluicegate.middleware.limits.api_limits import ApiLimits
from sluicegate.middleware.limits.key_limits import KeyLimits
from sluicegate.middleware.limits.org_limits import OrgLimits
from sluicegate.middleware.rights.access_rights import AccessRights
from sluicegate.middleware.rights.granular_access import GranularAccess
from sluicegate.middleware.transforms.circuit_breaker import CircuitBreaker
from sluicegate.middleware.transforms.context_vars import ContextVars
from sluicegate.middleware.transforms.hard_timeout import HardTimeout
from sluicegate.middleware.transforms.method import TransformMethod
from sluicegate.middleware.transforms.request_headers import TransformRequestHeaders
from sluicegate.middleware.transforms.response_headers import TransformResponseHeaders
from sluicegate.middleware.transforms.url_rewrite import UrlRewrite

ORDER: tuple[type[Middleware], ...] = (
    # access
    PathLists,
    Cors,
    IpAllow,
    IpBlock,
    ClientCertificates,
    OrgLimits,
    # checks
    RequestSize,
    ContextVars,
    TrackEndpoint,
    # auth
    OAuth2,
    BasicAuth,
    AuthToken,
    CertificateBinding,
    TokenSignature,
    StripAuth,
    KeyExpired,
    # rights
    AccessRights,
    RateLimitsReport,
    GranularAccess,
    # limits
    KeyLimits,
    ApiLimits,
    # transforms
    TransformRequestHeaders,
    UrlRewrite,
    TransformMethod,
    # answers
    MockResponse,
    Cache,
    # towards the upstream
    HardTimeout,
    CircuitBreaker,
)

RESPONSE_ORDER: tuple[type[Middleware], ...] = (
    TransformResponseHeaders,
    Cache,
)

OWN_ENDPOINTS: tuple[type[Middleware], ...] = (
    Cors,
    OAuthEndpoints,
)
