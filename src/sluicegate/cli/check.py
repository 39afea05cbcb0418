"""`sluicegate check`: says what is wrong, without starting anything.

One line a finding, then a line that counts them:

    error: tyk.conf:12: listen_port: expected a number, found "x"
    warning: tyk.conf:7: listen_prot: unknown setting; did you mean listen_port?
    tyk.conf: 1 error, 1 warning, 0 APIs, 0 policies
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from sluicegate.cli.rehearsal import rehearse
from sluicegate.errors import ConfigError
from sluicegate.settings.load import SettingsErrors, load_settings

NO_FILE = "no file, defaults"

OK, WRONG = 0, 1
"""Exit codes."""


@dataclass(slots=True)
class Report:
    """What was found: in the file, and in the APIs and policies it leads to."""

    file: str
    apis: int = 0
    policies: int = 0
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigError] = field(default_factory=list)


def check(conf: Path | None, environ: Mapping[str, str], *, strict: bool, as_json: bool) -> int:
    """Print the findings; return the exit code: 1 if there are errors, or warnings where `strict` is set."""
    report = examine(conf, environ)
    click.echo(_document(report) if as_json else _lines(report))
    return WRONG if report.errors or (strict and report.warnings) else OK


def examine(conf: Path | None, environ: Mapping[str, str]) -> Report:
    """Read settings, and all that they lead to."""
    errors: list[ConfigError] = []
    try:
        loaded = load_settings(conf, environ)
    except SettingsErrors as wrong:
        errors, loaded = wrong.errors, wrong.rest
    result = rehearse(loaded.settings, loaded.origins)
    return Report(
        str(loaded.file or NO_FILE),
        result.apis,
        result.policies,
        errors + result.errors,
        loaded.notices + result.warnings,
    )


def _lines(report: Report) -> str:
    lines = [f"error: {error}" for error in report.errors]
    lines += [f"warning: {warning}" for warning in report.warnings]
    counted = {"error": len(report.errors), "warning": len(report.warnings), "API": report.apis}
    counts = [_count(number, noun) for noun, number in counted.items()]
    counts.append(_count(report.policies, "policy", "policies"))
    return "\n".join([*lines, f"{report.file}: {', '.join(counts)}"])


def _document(report: Report) -> str:
    document = {
        "file": report.file,
        "apis": report.apis,
        "policies": report.policies,
        "errors": [_fields(error) for error in report.errors],
        "warnings": [_fields(warning) for warning in report.warnings],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _fields(finding: ConfigError) -> dict[str, Any]:
    return {"where": finding.where, "what": finding.what, "hint": finding.hint}


def _count(number: int, noun: str, several: str = "") -> str:
    return f"{number} {noun if number == 1 else several or noun + 's'}"
