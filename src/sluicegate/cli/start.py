"""`sluicegate start`: serve in the foreground."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from msgspec.structs import replace

from sluicegate import log
from sluicegate.settings.load import SettingsErrors, load_settings
from sluicegate.settings.model import Settings


def start(conf: Path | None, port: int | None, workers: int | None) -> int:
    """Run a node until it is told to stop, and return the exit status: 1 when it could not start."""
    try:
        loaded = load_settings(conf, os.environ)
    except SettingsErrors as error:
        for one in error.errors:
            sys.stderr.write(f"{one}\n")
        return 1
    settings = loaded.settings
    if port is not None:
        settings = replace(settings, listen_port=port)
        if port == settings.control_api_port:
            sys.stderr.write(f"--port: {port} is control_api_port already\n")
            return 1
    log.configure(settings.log_level, settings.log_format, enable_key_logging=settings.enable_key_logging)
    log.never_wait()
    for warning in loaded.warnings:
        log.get().warning(warning)
    if not settings.secret:
        log.get().warning("No secret is configured: the admin API refuses every call", setting="secret")
    from sluicegate.assembly import run
    from sluicegate.listener.descriptors import clients_at_most, raise_limit

    raise_limit()
    wanted = settings.sluicegate.max_connections
    if (most := clients_at_most(wanted)) < wanted / 2:  # less of a difference nobody will meet
        what = "The system allows too few open files for max_connections: more clients are turned away"
        log.get().warning(what, max_connections=wanted, possible=most)
    return run(settings, usable_workers(settings, workers), loaded.origins)


def usable_workers(settings: Settings, asked: int | None) -> int:
    """Return how many workers to run: as asked, as set, or one for each processor this process may use."""
    if asked or settings.sluicegate.workers:
        return asked or settings.sluicegate.workers
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
