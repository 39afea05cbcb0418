"""`sluicegate check`: says what is wrong, without starting anything.

One line a finding, then a line that counts them:

    error: tyk.conf:12: listen_port: expected a number, found "x"
    warning: tyk.conf:7: listen_prot: unknown setting; did you mean listen_port?
    tyk.conf: 1 error, 1 warning
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from sluicegate.errors import ConfigError
from sluicegate.settings.load import SettingsErrors, load_settings

NO_FILE = "no file, defaults"

OK, WRONG = 0, 1
"""Exit codes."""


@dataclass(slots=True)
class Report:
    """All that was found, and in what."""

    file: str
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigError] = field(default_factory=list)


def check(conf: Path | None, environ: Mapping[str, str], *, strict: bool, as_json: bool) -> int:
    """Print the findings; return the exit code: 1 if there are errors, or warnings where `strict` is set."""
    report = examine(conf, environ)
    click.echo(_document(report) if as_json else _lines(report))
    return WRONG if report.errors or (strict and report.warnings) else OK


def examine(conf: Path | None, environ: Mapping[str, str]) -> Report:
    """Read settings, and all that they lead to."""
    try:
        loaded = load_settings(conf, environ)
    except SettingsErrors as found:
        return Report(str(found.file or NO_FILE), found.errors, found.notices)
    return Report(str(loaded.file or NO_FILE), warnings=list(loaded.notices))


def _lines(report: Report) -> str:
    lines = [f"error: {error}" for error in report.errors]
    lines += [f"warning: {warning}" for warning in report.warnings]
    counts = f"{_count(len(report.errors), 'error')}, {_count(len(report.warnings), 'warning')}"
    return "\n".join([*lines, f"{report.file}: {counts}"])


def _document(report: Report) -> str:
    document = {
        "file": report.file,
        "errors": [_fields(error) for error in report.errors],
        "warnings": [_fields(warning) for warning in report.warnings],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _fields(finding: ConfigError) -> dict[str, Any]:
    return {"where": finding.where, "what": finding.what, "hint": finding.hint}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
