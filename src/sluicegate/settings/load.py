"""From file and environment to settings (contract 01.1): the one way in, for `start`, `check` and reload alike.

The order is Tyk's: the file, then the environment over it, then references to secrets. Unlike Tyk, nothing is ever
written, no file at all is fine, and all that is wrong is told at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sluicegate.errors import ConfigError, SluicegateError
from sluicegate.settings.beside import beside
from sluicegate.settings.decode import read_document
from sluicegate.settings.draft import Draft
from sluicegate.settings.environment import omits_file, read_environment
from sluicegate.settings.findings import Findings
from sluicegate.settings.honoured import name_unhonoured
from sluicegate.settings.model import Settings
from sluicegate.settings.references import resolve_references
from sluicegate.settings.validate import validate

CANDIDATES = (Path("tyk.conf"), Path("/etc/tyk/tyk.conf"))
"""Where a file is looked for when none is named; the first that exists counts."""

STORE_FILE = "sluicegate.db"


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, the file they came from (None: there is none), and what the reader should know about them.

    origins: where each that is set was set, by path: `tyk.conf:12`, or the name of a variable.
    """

    settings: Settings
    file: Path | None = None
    notices: list[ConfigError] = field(default_factory=list)
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def warnings(self) -> list[str]:
        """The notices as lines: `tyk.conf:7: listen_prot: unknown setting; did you mean listen_port?`."""
        return [str(notice) for notice in self.notices]


class SettingsErrors(SluicegateError):
    """The settings cannot be used.

    errors:  all the reasons.
    rest:    what can be told of the rest: the settings without those that are wrong, and the notices.
    """

    def __init__(self, errors: list[ConfigError], rest: Loaded) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors, self.rest = errors, rest


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Load the settings. `path` None: the first of `CANDIDATES`, or no file. Raise SettingsErrors."""
    findings, draft = Findings(), Draft()
    file = path or next(filter(_exists, CANDIDATES), None)
    if file is not None and not omits_file(environ):
        _read_file(file, draft, findings)
    read_environment(environ, draft, findings)
    resolve_references(draft, environ, findings)
    validate(draft, findings)
    name_unhonoured(draft, findings)
    findings = findings.in_order()
    if not draft.get("sluicegate.store_path"):
        folder = file.parent if file is not None else Path()
        draft.set("sluicegate.store_path", str((folder / STORE_FILE).absolute()), "")
    if not draft.get("sluicegate.analytics_file"):
        store = Path(str(draft.get("sluicegate.store_path")))
        draft.set("sluicegate.analytics_file", str(beside(store, ".records")), "")
    loaded = Loaded(draft.build(), file, findings.warnings, draft.origins)
    if findings.errors:
        raise SettingsErrors(findings.errors, loaded)
    return loaded


def _read_file(file: Path, draft: Draft, findings: Findings) -> None:
    try:
        document = file.read_bytes()
    except OSError as error:
        findings.error(str(file), f"cannot be read: {error.strerror}")
        return
    read_document(document, str(file), draft, findings)


def _exists(candidate: Path) -> bool:
    try:
        return candidate.exists()
    except OSError:  # a folder on the way to it is closed to us
        return False
