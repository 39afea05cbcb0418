"""The end of the road: what happens when an answer has left, in about a microsecond."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sluicegate.clock import ticks

if TYPE_CHECKING:
    from sluicegate.analytics.metrics import Metrics
    from sluicegate.analytics.recorder import Recorder
    from sluicegate.chain.exchange import Exchange


def make_finish(recorder: Recorder, metrics: Metrics, log: Callable[..., None]) -> Callable[[Exchange], None]:
    """Return what counts an exchange whose answer has left, or never will, and has it recorded.

    A closure, as that is called faster than an object. log: as `Services.log`, told of defects.
    """
    observe, record, is_recorded = metrics.observe, recorder.record, recorder.is_needed

    def finish(exchange: Exchange) -> None:
        try:
            total_s, upstream_s = ticks() - exchange.started_ticks, exchange.upstream_s
            observe(exchange, total_s, upstream_s)
            if is_recorded:
                record(exchange, total_s, upstream_s)
        except Exception as error:  # the request is served, whatever becomes of its record
            log("error", "Failed to record a request", error=repr(error))

    return finish
