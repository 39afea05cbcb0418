"""`sluicegate version`: the versions a bug report needs, in the manner of Tyk (contract 01.4)."""

from __future__ import annotations

import json
import platform

import click

from sluicegate import __version__


def version(*, as_json: bool) -> None:
    """Print the gateway's version, Python's, the system and the machine."""
    system, machine = platform.system().lower(), platform.machine()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    if as_json:
        document = {"Version": __version__, "Python": {"Os": system, "Arch": machine, "Version": python}}
        click.echo(json.dumps(document, indent=4))
    else:
        click.echo(f"Release version: {__version__}\nPython version:  {python}\nOS/Arch:         {system}/{machine}")
