"""Settings whose whole value is a reference to a secret that is kept elsewhere (contract 01.3).

    env://NAME       the environment variable TYK_SECRET_NAME, the name in capitals
    secrets://NAME   an entry of the setting `secrets`
    file://PATH      a file below `kv.file.base_path`, without line breaks at its end

Other kinds (consul, vault, kv) are not read yet. Their text stays where it is, with a warning; only an admin secret is
blanked, for a text that stands in a file is no secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from sluicegate.settings.draft import Draft
from sluicegate.settings.findings import Findings

SECRET_PREFIX = "TYK_SECRET_"  # noqa: S105 (a name)

_ALWAYS = (
    "secret",
    "node_secret",
    "storage.password",
    "storage.sentinel_password",
    "cache_storage.password",
    "cache_storage.sentinel_password",
    "analytics_storage.password",
    "analytics_storage.sentinel_password",
    "security.private_certificate_encoding_secret",
    "slave_options.api_key",
    "db_app_conf_options.connection_string",
    "policies.policy_connection_string",
    "external_services.oauth.mtls.cert_file",
    "external_services.oauth.mtls.key_file",
    "external_services.oauth.mtls.ca_file",
)
_UNREAD = ("consul://", "vault://", "kv://")
MAX_FILE_BYTES = 65_536


def resolve_references(draft: Draft, environ: Mapping[str, str], findings: Findings) -> None:
    """Put the secrets in place of their references."""
    sources: dict[str, Callable[[str], str]] = {
        "env://": lambda name: _from_environment(name, environ),
        "secrets://": lambda name: _from_secrets(name, draft.get("secrets")),
        "file://": lambda name: read_secret_file(draft.get("kv.file.base_path"), name),
    }
    for path in _ALWAYS:
        value = draft.values.get(path)
        if not isinstance(value, str):
            continue
        if value.startswith(_UNREAD):
            _leave(path, value, draft, findings)
            continue
        kind = next((kind for kind in sources if value.startswith(kind)), None)
        if kind is None:
            continue
        try:
            draft.set(path, sources[kind](value.removeprefix(kind)), draft.origins[path])
        except LookupError as error:
            findings.error(draft.where(path), str(error.args[0]))


def read_secret_file(base_path: str, name: str) -> str:
    """Return what stands in a file below the base path; raise LookupError that says why it cannot be had."""
    if not base_path:
        raise LookupError("a file:// reference needs kv.file.base_path")
    base = Path(base_path).resolve()
    try:
        place = (base / name).resolve()
        if not place.is_relative_to(base):
            raise LookupError(f"file://{name} leads out of {base_path}")
        if place.stat().st_size > MAX_FILE_BYTES:
            raise LookupError(f"file://{name} is longer than {MAX_FILE_BYTES} bytes")
        return place.read_text("utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise LookupError(f"file://{name} cannot be read: {reason}") from None


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    variable = SECRET_PREFIX + name.upper()
    if variable not in environ:
        raise LookupError(f"env://{name} needs the environment variable {variable}, which is not set")
    return environ[variable]


def _from_secrets(name: str, secrets: Mapping[str, str]) -> str:
    if name not in secrets:
        raise LookupError(f"secrets://{name} has no entry in the setting secrets")
    return secrets[name]


def _leave(path: str, value: str, draft: Draft, findings: Findings) -> None:
    kind = value.partition("://")[0]
    what = f"{kind}:// references are known, but not honoured yet"
    if path in ("secret", "node_secret"):
        draft.set(path, "", draft.origins[path])
        what += "; the setting counts as empty"
    findings.warn(draft.where(path), what)
