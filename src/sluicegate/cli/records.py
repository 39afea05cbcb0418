"""`sluicegate records`: what was recorded of requests, for people and for `jq`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from sluicegate.analytics.sinks.record_file import read_records
from sluicegate.settings.load import SettingsErrors, load_settings


def records(conf: Path | None) -> int:
    """Write the records that the node of these settings has made; return the exit status."""
    try:
        settings = load_settings(conf, os.environ).settings
        if settings.storage.type == "redis" or settings.enable_separate_analytics_store:
            sys.stderr.write("The records of this node are in Redis, for Tyk Pump to fetch.\n")
            return 1
        for record in read_records(Path(settings.sluicegate.analytics_file)):
            sys.stdout.buffer.write(msgspec.json.encode(record) + b"\n")
    except SettingsErrors as errors:
        for one in errors.errors:
            sys.stderr.write(f"{one}\n")
        return 1
    except BrokenPipeError:
        return 0
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return 1
    return 0
