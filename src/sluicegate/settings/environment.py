"""The environment over the file: Tyk's variables (contract 01.2), and the short ones that deployments use.

The short ones are TYK_REDIS_HOST, TYK_REDIS_PORT and TYK_REDIS_PASSWORD, or TYK_REDIS_URL for all of it. They give way
to their long forms. Who names a Redis host means that Redis: addresses in the file do not count. Where neither file nor
environment says a `storage.type`, it is `redis`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from sluicegate.settings.convert import Mismatch, from_env
from sluicegate.settings.decode import mismatch_text, shorten
from sluicegate.settings.draft import Draft
from sluicegate.settings.env_names import PREFIX
from sluicegate.settings.findings import Findings
from sluicegate.settings.redis_url import read_redis_url
from sluicegate.settings.shape import Leaf, leaves

OMIT_FILE = "TYK_GW_OMITCONFIGFILE"
"""`true`: nothing that stands in the file counts."""

_SHORT = {
    "TYK_REDIS_HOST": "storage.host",
    "TYK_REDIS_PORT": "storage.port",
    "TYK_REDIS_PASSWORD": "storage.password",
}
_URL = "TYK_REDIS_URL"
_NAMING = ("TYK_REDIS_HOST", _URL)
_OVERRIDING = {"TYK_LOGLEVEL": "log_level", "TYK_LOGFORMAT": "log_format"}
# Variables of the deprecated tracers are free in form; `tracing` itself is warned about where it is used.
_FREE = f"{PREFIX}_TRACER_OPTIONS_"


def read_environment(environ: Mapping[str, str], draft: Draft, findings: Findings) -> None:
    """Read all variables into the draft: short forms first, then the long ones, then those that override all."""
    _read_short_forms(environ, draft, findings)
    for leaf in leaves().values():
        _read(leaf.variable, leaf, environ, draft, findings)
    for variable, path in _OVERRIDING.items():
        if environ.get(variable):
            _read(variable, leaves()[path], environ, draft, findings)
    _name_unknown(environ, findings)


def _read_short_forms(environ: Mapping[str, str], draft: Draft, findings: Findings) -> None:
    named = next((variable for variable in _NAMING if environ.get(variable)), None)
    if named is not None:
        for path in ("storage.addrs", "storage.hosts"):
            draft.values.pop(path, None)
    if environ.get(_URL):
        try:
            values = read_redis_url(environ[_URL])
        except ValueError as error:
            findings.error(_URL, str(error))
        else:
            for path, value in values.items():
                draft.set(path, value, _URL)
    for variable, path in _SHORT.items():
        _read(variable, leaves()[path], environ, draft, findings)
    if named is not None and not draft.values.get("storage.type"):
        draft.set("storage.type", "redis", named)


def omits_file(environ: Mapping[str, str]) -> bool:
    return environ.get(OMIT_FILE, "").lower() == "true"


def _read(variable: str, leaf: Leaf, environ: Mapping[str, str], draft: Draft, findings: Findings) -> None:
    text = environ.get(variable)
    if text is None:
        return
    try:
        value = from_env(text, leaf.type)
    except Mismatch as mismatch:
        findings.error(f"{variable}: {leaf.path}{mismatch.inside}", mismatch_text(leaf.path, mismatch))
    else:
        draft.set(leaf.path, value, variable)


def _name_unknown(environ: Mapping[str, str], findings: Findings) -> None:
    known = {leaf.variable: leaf for leaf in leaves().values()}
    for variable in sorted(environ):
        if not variable.startswith(f"{PREFIX}_") or variable in known or variable == OMIT_FILE:
            continue
        if variable.startswith(_FREE):
            continue
        findings.warn(shorten(variable), "no setting has this name in the environment" + _guess(variable, known))


def _guess(variable: str, known: Mapping[str, Leaf]) -> str:
    """Name the variable that was meant: the one of the JSON name that was used, or one that is spelt nearly so."""
    squeezed = variable.removeprefix(PREFIX).replace("_", "")
    for leaf in known.values():
        if leaf.path.replace(".", "").replace("_", "").upper() == squeezed:
            return f"; did you mean {leaf.variable}?"
    near = difflib.get_close_matches(variable[:120], known, 1, 0.85)
    return f"; did you mean {near[0]}?" if near else ""
