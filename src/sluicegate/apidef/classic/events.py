"""Events and what they set off, in a classic definition (contract 02.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sluicegate.apidef.gotypes import NIL_MAP, GoStruct, Int64


class EventHandlerTriggerConfig(GoStruct, frozen=True):
    """At `event_handlers.events{}[]`."""

    handler_name: str = ""
    handler_meta: Mapping[str, Any] = NIL_MAP


class EventHandlerMetaConfig(GoStruct, frozen=True):
    """At `event_handlers`."""

    events: Mapping[str, Sequence[EventHandlerTriggerConfig]] = NIL_MAP


class WebHookHandlerConf(GoStruct, frozen=True):
    """`handler_meta` of `eh_web_hook_handler`."""

    disabled: bool = False
    id: str = ""
    name: str = ""
    method: str = ""
    target_path: str = ""
    template_path: str = ""
    header_map: Mapping[str, str] = NIL_MAP
    event_timeout: Int64 = 0


class JSVMEventHandlerConf(GoStruct, frozen=True):
    """`handler_meta` of `eh_dynamic_handler`."""

    disabled: bool = False
    id: str = ""
    name: str = ""
    path: str = ""


class LogEventHandlerConf(GoStruct, frozen=True):
    """`handler_meta` of `eh_log_handler`."""

    disabled: bool = False
    prefix: str = ""
