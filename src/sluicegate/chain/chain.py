"""The steps of one version of an API, compiled: flat tuples of bound methods, only of what the definition asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Step

if TYPE_CHECKING:
    from sluicegate.chain.exchange import Exchange, Response

RequestStep = Callable[["Exchange"], Step]
ResponseStep = Callable[["Exchange", "Response"], None]


class Chain:
    """What a request passes.

    request_steps:  in order, for a request from outside.
    looped_steps:   the same inside a `tyk://` loop that asked for no limits (contract 06.5).
    response_steps: in order, for a response.
    body_steps:     middlewares that may want a response's body, in response order.
    """

    __slots__ = ("body_steps", "looped_steps", "request_steps", "response_steps")

    def __init__(self, request: Iterable[Middleware], response: Iterable[Middleware]) -> None:
        wanted = [one for one in request if overrides(one, "on_request")]
        ignorable = any(one.may_ignore for one in wanted)
        self.request_steps: tuple[RequestStep, ...] = tuple(step_of(one, ignorable) for one in wanted)
        self.looped_steps: tuple[RequestStep, ...] = tuple(
            step_of(one, ignorable) for one in wanted if one.runs_when_looped
        )
        answered = list(response)
        self.response_steps: tuple[ResponseStep, ...] = tuple(
            one.on_response for one in answered if overrides(one, "on_response")
        )
        self.body_steps: tuple[Middleware, ...] = tuple(
            one for one in answered if overrides(one, "wants_response_body")
        )


class OwnEndpoints:
    """The gateway's own endpoints inside a listen path; they stand before versions and their chains.

    owns:  whether a request is for it; asked of every request to the API, so it is quick to say no.
    steps: what such a request passes; the last of them answers.
    """

    __slots__ = ("owns", "steps")

    def __init__(self, owns: Callable[[Exchange], bool], steps: Iterable[Middleware]) -> None:
        self.owns = owns
        self.steps: tuple[RequestStep, ...] = tuple(one.on_request for one in steps)


def overrides(middleware: Middleware, method: str) -> bool:
    """Return whether a middleware has its own version of a method."""
    return getattr(type(middleware), method) is not getattr(Middleware, method)


def step_of(middleware: Middleware, ignorable: bool) -> RequestStep:
    """Return the call of a step; one that ignored paths skip asks first, where a path can be ignored at all."""
    call = middleware.on_request
    if not ignorable or middleware.runs_when_ignored:
        return call

    def unless_ignored(exchange: Exchange) -> Step:
        return None if exchange.ignored else call(exchange)

    unless_ignored.__self__ = middleware  # type: ignore[attr-defined]
    return unless_ignored


NO_STEPS = Chain((), ())
