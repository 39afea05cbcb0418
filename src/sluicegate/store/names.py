"""Every name under which something lies in the store, and every channel: nowhere else is one spelt.

They are Tyk's to the byte (contract 05.1), so that nodes of both kinds can share one Redis. Names with `sluice` in them
are ours, and hold what Tyk has no counterpart for.
"""

from __future__ import annotations

KEY = "apikey-"
ORG_KEY = "orgkey."
CACHE = "cache-"
BLOCKED = ".BLOCKED"
EXACT_LIMIT = "sluice-limit-"
BUCKET = "sluice-bucket-"
SLIDING_WINDOW = "sluice-window-"
TOLD = "sluice-told-"
"""Before the name of a counter: a map, how far each account of what was admitted without the store was told."""
ANALYTICS = "analytics-tyk-system-analytics"

_RAW = "raw-"
_CERTIFICATES = "cert-"
CERTIFICATE = _CERTIFICATES + _RAW

OAUTH = "oauth-data."
OAUTH_TOKENS = "oauth-client-tokens."
OAUTH_PURGE_LOCK = "oauth-purge-lock"
"""Held by the node that removes lapsed tokens from the lists of clients."""

NOTIFICATIONS = "tyk.cluster.notifications"
"""The channel on which nodes tell each other what changed (contract 05.5)."""

_CLUSTER = "{sluicegate}."  # one slot of a Redis Cluster, so that one script can change them all
CLUSTER_STATE = _CLUSTER + "state"
"""A map: `state` is the number and digest of the shared configuration, `fence` the last token that was given out."""
CLUSTER_DOCUMENTS = _CLUSTER + "documents"
"""A map: the shared documents, by kind and id."""
CLUSTER_INDEX = _CLUSTER + "index"
"""A map: generation and checksum of each document."""
CLUSTER_HISTORY = _CLUSTER + "history"
"""A map: what each generation changed."""
CLUSTER_PAST = _CLUSTER + "past"
"""A map: what the changed documents were before each generation."""
CLUSTER_LOCK = _CLUSTER + "lock"
"""Held by whoever writes."""
CLUSTER_NODES = _CLUSTER + "nodes"
"""A sorted set: the nodes by their ids, each with the time of its last heartbeat by its own clock."""
CLUSTER_CHANNEL = "sluicegate.cluster"
"""The channel on which a new generation is announced."""


def session(name: str) -> str:
    """Return where the session of a key lies; `name` is its hash, or the token where keys are not hashed."""
    return KEY + name


def org_session(org_id: str) -> str:
    """Return where the session of an organisation lies."""
    return ORG_KEY + org_id


def certificate(certificate_id: str) -> str:
    """Return where a certificate lies (contract 05.3)."""
    return CERTIFICATE + certificate_id


def certificate_index(org_id: str) -> str:
    """Return the list of an organisation's certificates; `certificate_entry` is what stands in it."""
    return f"{_CERTIFICATES}{org_id}-index"


def certificate_entry(certificate_id: str) -> str:
    """Return a certificate's entry in the list of its organisation."""
    return _RAW + certificate_id


def certificate_of_entry(entry: str) -> str:
    """Return whose entry of a list that is."""
    return entry.removeprefix(_RAW)


def certificates_listed(org_id: str) -> str:
    """Return the mark that the list is whole, also where there is none because it is empty."""
    return f"{certificate_index(org_id)}-migrated"


def oauth_client(api_id: str, client_id: str) -> str:
    """Return where an OAuth client of an API lies."""
    return f"{OAUTH}{api_id}.{oauth_client_entry(client_id)}"


def oauth_client_entry(client_id: str) -> str:
    """Return how a client is called in the list of an organisation's clients."""
    return f"oauth-clientid.{client_id}"


def oauth_client_list(api_id: str, org_id: str) -> str:
    """Return the list of the clients of an API."""
    return f"{OAUTH}{api_id}.oauth-client-index.{org_id}"


def oauth_client_set(api_id: str) -> str:
    """Return the set of copies of an API's clients, which nodes of Tyk read in a Redis Cluster."""
    return f"{OAUTH}{api_id}.oauth-clientset.oauth-clientid."


def oauth_client_tokens(api_id: str, client_id: str) -> str:
    """Return the sorted set of a client's tokens by when they expire, in Unix seconds."""
    return f"{OAUTH}{api_id}.{OAUTH_TOKENS}{client_id}"


def oauth_code(api_id: str, code: str) -> str:
    """Return where an authorization code lies."""
    return f"{OAUTH}{api_id}.oauth-authorize.{code}"


def oauth_access(api_id: str, key_name: str) -> str:
    """Return where the data of an access token lie; `key_name` as for its session."""
    return f"{OAUTH}{api_id}.oauth-access.{key_name}"


def oauth_refresh(api_id: str, token: str) -> str:
    """Return where the data of a refresh token lie; these tokens are not hashed."""
    return f"{OAUTH}{api_id}.oauth-refresh.{token}"


def heartbeat(node_id: str) -> str:
    """Return where a node says how it is."""
    return f"{_CLUSTER}node-{node_id}"


def rate_limit(name: str, scope: str = "", endpoint: str = "") -> str:
    """Return the name of a rate limit's counter; parts lose their outer hyphens, empty ones are left out (07.1)."""
    return _joined("rate-limit", scope, name, endpoint)


def quota(name: str, scope: str = "") -> str:
    """Return the name of a quota's counter (contract 07.10)."""
    return _joined("quota", scope, name)


def blocked(rate_limit_name: str) -> str:
    """Return the name of the mark that a rate limit is exceeded (contract 07.4)."""
    return rate_limit_name + BLOCKED


def fixed_window(rate_limit_name: str, starts_ns: int) -> str:
    """Return the name of one window's counter; it started `starts_ns` nanoseconds after 1970 (contract 07.6)."""
    return f"{rate_limit_name}/{starts_ns}"


def allowance(rate_limit_name: str) -> str:
    """Return where it lies what a limit has grown or shrunk to (contract 07.9)."""
    return f"{rate_limit_name}-allowance"


def smoothing_lock(rate_limit_name: str) -> str:
    """Return the lock of the one who lets a limit grow or shrink."""
    return f"{rate_limit_name}-lock"


def bucket(rate_limit_name: str) -> str:
    """Return the name of a bucket of ours."""
    return f"{BUCKET}{{{rate_limit_name}}}"


def sliding_window(rate_limit_name: str) -> str:
    """Return the name of a sliding window of ours."""
    return f"{SLIDING_WINDOW}{{{rate_limit_name}}}"


def exact_limit(rate_limit_name: str) -> str:
    """Return the name of our own exact counter; the braces choose its slot in a Redis Cluster."""
    return f"{EXACT_LIMIT}{{{rate_limit_name}}}"


def cached_response(api_id: str, key: str) -> str:
    """Return where a stored response lies; `key` begins with the API's id once more (contract 09.8)."""
    return f"{cached_responses(api_id)}{key}"


def cached_responses(api_id: str) -> str:
    """Return how the names of all stored responses of an API begin (contract 04.11)."""
    return f"{CACHE}{api_id}"


def _joined(*parts: str) -> str:
    stripped = (part.strip("-") for part in parts)
    return "-".join(part for part in stripped if part)
