"""Checks of values that need more than their type: names of a list, two settings that must fit together."""

from __future__ import annotations

import re
from ipaddress import ip_address

from sluicegate.log import FORMATS, LEVELS
from sluicegate.settings.convert import quoted
from sluicegate.settings.draft import Draft
from sluicegate.settings.findings import Findings
from sluicegate.settings.validate_stores import check_stores
from sluicegate.wire.headers import TOKEN

# What Tyk writes into a new file; everybody knows it.
PUBLISHED_SECRET = "352d20ee67be67f6340b4c0605b044b7"  # noqa: S105
NUMERIC = re.compile(r"[0-9.]+|.*[:\[].*")
"""What can only be meant as an address, not as a name."""
STATUSES = range(200, 600)
HASH_FUNCTIONS = ("", "murmur32", "murmur64", "murmur128", "sha256")

_TLS_RANGES = (
    ("http_server_options.min_version", "http_server_options.max_version"),
    ("proxy_ssl_min_version", "proxy_ssl_max_version"),
)


def validate(draft: Draft, findings: Findings) -> None:
    """Check what was set; the defaults are right."""
    _check_address(draft, findings)
    _check_log(draft, findings)
    _check_tls(draft, findings)
    _check_secret(draft, findings)
    _check_hashes(draft, findings)
    _check_header(draft, findings)
    _check_oauth(draft, findings)
    check_stores(draft, findings)
    path = "sluicegate.prometheus.path"
    if not draft.get(path).startswith("/"):
        findings.error(draft.where(path), "expected a path that begins with /")


def _check_address(draft: Draft, findings: Findings) -> None:
    path = "listen_address"
    address = draft.get(path)
    if NUMERIC.fullmatch(address):
        try:
            ip_address(address)
        except ValueError:
            findings.error(draft.where(path), f"no address: {quoted(address)}", "write it as 127.0.0.1 or ::1")
    path = "control_api_port"
    if draft.get(path) == draft.get("listen_port"):
        what = f"{draft.get(path)} is listen_port already"
        findings.error(draft.where(path), what, "leave it out to have the gateway API on that port")


def _check_log(draft: Draft, findings: Findings) -> None:
    level = draft.get("log_level")
    if level.lower() not in LEVELS and level != "":
        findings.error(draft.where("log_level"), f"expected debug, info, warn or error, found {quoted(level)}")
    if draft.get("log_format") not in (*FORMATS, ""):
        findings.warn(draft.where("log_format"), "expected text, json or legacy; text is used")


def _check_tls(draft: Draft, findings: Findings) -> None:
    for lowest, highest in _TLS_RANGES:
        if draft.get(highest) and draft.get(lowest) > draft.get(highest):
            findings.error(draft.where(lowest), f"the lowest TLS version is above the highest ({highest})")
    options = "http_server_options"
    names = (f"{options}.certificates", f"{options}.ssl_certificates")
    if draft.get(f"{options}.use_ssl") and not any(draft.get(name) for name in names):
        what = "TLS without a certificate of the listener: only APIs with certificates of their own can be reached"
        findings.warn(draft.where(f"{options}.use_ssl"), what, f"set {names[0]}")


def _check_secret(draft: Draft, findings: Findings) -> None:
    if draft.get("secret") == PUBLISHED_SECRET:
        findings.warn(draft.where("secret"), "this is the secret of Tyk's examples, which everybody knows", "change it")


def _check_hashes(draft: Draft, findings: Findings) -> None:
    path = "hash_key_function"
    if draft.get(path) not in HASH_FUNCTIONS:
        findings.warn(draft.where(path), f"expected one of {', '.join(HASH_FUNCTIONS[1:])}; murmur64 is used")


def _check_header(draft: Draft, findings: Findings) -> None:
    path = "version_header"
    name = draft.get(path)
    if name and not TOKEN.fullmatch(name.encode("utf-8", "replace")):
        findings.error(draft.where(path), f"not the name of a header: {quoted(name)}", "write it as X-Api-Version")


def _check_oauth(draft: Draft, findings: Findings) -> None:
    path = "oauth_error_status_code"
    status = draft.get(path)
    if status not in STATUSES:
        findings.error(draft.where(path), f"not a status of HTTP: {status}", "RFC 6749 asks for 400")
