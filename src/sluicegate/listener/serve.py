"""The life of a request, in order. Read this first.

    a head has been read            listener.connection
      │ begin      which API?       routing.table        reserved paths are the control API's
      │                                                  an API's own endpoints answer before versions and chain
      │ enter      which version?   routing.versions     each version has a chain of its own
      │ proceed    the chain        middleware.ORDER     each step passes it on, answers it, or has it wait
      │ send       the upstream     upstream.dispatch    or a `tyk://` loop: enter again
      ▼
    an answer has begun             listener.respond     the chain backwards, then to the client
      └ finished   the record       analytics.finish     after the last byte has left

A request that waits for nothing but its upstream passes all this in one call, without a task or a future.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

from sluicegate.chain.exchange import Exchange
from sluicegate.chain.outcome import STORE_UNAVAILABLE, Loop, Outcome, Rejection, Reply
from sluicegate.clock import ticks
from sluicegate.errors import BadMessage, StoreError
from sluicegate.listener.loop import DEFAULT_LIMIT, enter_loop, enter_target, too_deep
from sluicegate.listener.rejections import ABOUT_THE_SERVER, INTERNAL, NOT_FOUND, NOT_FOUND_REPLY, TOO_LARGE, moved_to
from sluicegate.routing.clean import clean_location

if TYPE_CHECKING:
    from sluicegate.chain.chain import Chain, RequestStep
    from sluicegate.chain.services import Services
    from sluicegate.listener.connection import Connection
    from sluicegate.listener.error_page import ErrorPages
    from sluicegate.routing.route import Route
    from sluicegate.routing.table import Table
    from sluicegate.settings.model import Settings
    from sluicegate.upstream.dispatch import Dispatcher
    from sluicegate.wire.http1_read import RequestHead

TELL_AFTER_S, TELL_AGAIN_S = 1.0, 60.0


class Serve:
    """What every connection of a worker serves with. `table` is replaced whole by a reload.

    finished: is called with an exchange whose answer has left, or never will; raises nothing.
    """

    def __init__(
        self,
        table: Table,
        services: Services,
        dispatcher: Dispatcher,
        pages: ErrorPages,
        finished: Callable[[Exchange], None],
    ) -> None:
        self.table, self.services, self.dispatcher, self.pages = table, services, dispatcher, pages
        self.finished = finished
        self.cleans_urls = not services.settings.http_server_options.skip_url_cleaning
        self.store_told_until_ticks = 0.0

    def adopt(self, settings: Settings, pages: ErrorPages) -> None:
        """Other settings are in force, with their error pages."""
        self.services.adopt(settings)
        self.pages = pages
        self.cleans_urls = not settings.http_server_options.skip_url_cleaning

    # -- which API?

    def begin(self, connection: Connection, head: RequestHead) -> None:
        """A request has come in on a connection."""
        table = self.table
        if head.found_in is table:  # met before on this connection
            route = head.found
            exchange = self.exchange_of(connection, head, route)
            if route.is_plain:
                self.proceed(connection, exchange, iter(route.chain.request_steps))
            else:
                self.enter(connection, exchange, route)
            return
        path = head.path
        control = connection.listener.control
        if control is not None and control.owns(path):
            control.handle(connection, self.exchange_of(connection, head, table.control))
            return
        if not connection.listener.serves_apis:
            self.not_found(connection, head)
            return
        if self.cleans_urls and (location := clean_location(head)):
            connection.reply(self.exchange_of(connection, head, table.nobody), moved_to(location))
            return
        route = table.find(head.host, path, connection.listener.port)
        if route is None:
            self.not_found(connection, head)
        else:
            head.found, head.found_in = route, table
            self.enter(connection, self.exchange_of(connection, head, route), route)

    def not_found(self, connection: Connection, head: RequestHead) -> None:
        """No API takes this request."""
        exchange = self.exchange_of(connection, head, self.table.nobody)
        if head.target == b"*":
            connection.reply(exchange, ABOUT_THE_SERVER)
            return
        exchange.rejection = NOT_FOUND
        connection.reply(exchange, NOT_FOUND_REPLY)

    def exchange_of(self, connection: Connection, head: RequestHead, route: Route) -> Exchange:
        """Return the exchange that a connection is now busy with."""
        exchange = connection.exchange = Exchange(connection, head, route, self.services, head.method, route.chain)
        if connection.held:
            exchange.bytes_in = connection.held  # came together with the head
        return exchange

    # -- which version?

    def enter(self, connection: Connection, exchange: Exchange, route: Route) -> None:
        """A request has found its API, from outside or out of a loop."""
        limit = route.body_limit_bytes
        if limit and max(exchange.request.content_length or 0, exchange.bytes_in) > limit:
            connection.reject(exchange, TOO_LARGE)
            return
        own = route.own_endpoints
        if own is not None and own.owns(exchange):
            self.proceed(connection, exchange, iter(own.steps))
            return
        chain: Chain | None = route.chain
        chosen_before = 0
        while chain is None:  # a child API may have versions of its own, and two may name each other
            chosen = route.choose_version(exchange) if chosen_before < DEFAULT_LIMIT else too_deep()
            chosen_before += 1
            if isinstance(chosen, Rejection):
                exchange.rejected_by = "VersionCheck"
                connection.reject(exchange, chosen)
                return
            exchange.route = route = chosen
            chain = route.chain
        exchange.chain = chain
        steps = chain.request_steps if exchange.check_limits else chain.looped_steps
        if route.passes_options and exchange.request.method == b"OPTIONS":
            steps = ()  # contract 06.4: `options_passthrough` goes around every middleware
        self.proceed(connection, exchange, iter(steps))

    # -- the chain

    def proceed(self, connection: Connection, exchange: Exchange, steps: Iterator[RequestStep]) -> None:
        """Pass a request through the rest of its chain, and on."""
        try:
            for step in steps:
                outcome = step(exchange)
                if outcome is not None:
                    break
            else:
                self.send(connection, exchange)
                return
        except StoreError as error:
            self.store_away(connection, exchange, error)
            return
        except Exception as error:
            self.broken(connection, exchange, error)
            return
        if inspect.isawaitable(outcome):
            connection.park(self.wait(connection, exchange, outcome, step, steps))
        else:
            self.decide(connection, exchange, outcome, step)

    async def wait(
        self,
        connection: Connection,
        exchange: Exchange,
        outcome: Awaitable[Outcome],
        step: RequestStep,
        steps: Iterator[RequestStep],
    ) -> None:
        """A step has to wait for something; the request goes on when it has an outcome."""
        try:
            decided = await outcome
        except BadMessage:
            decided = TOO_LARGE
        except StoreError as error:
            self.store_away(connection, exchange, error)
            return
        except Exception as error:
            self.broken(connection, exchange, error)
            return
        if connection.exchange is not exchange:
            return
        if decided is None:
            self.proceed(connection, exchange, steps)
        else:
            self.decide(connection, exchange, decided, step)

    def decide(self, connection: Connection, exchange: Exchange, outcome: Any, step: RequestStep) -> None:
        """A step has answered the request, or sent it elsewhere."""
        if isinstance(outcome, Rejection):
            exchange.rejected_by = step.__self__.name  # type: ignore[attr-defined]
            connection.reject(exchange, outcome)
        elif isinstance(outcome, Reply):
            connection.reply(exchange, outcome)
        else:
            assert isinstance(outcome, Loop)
            self.loop(connection, exchange, enter_loop(self.table, exchange, outcome.url.encode()))

    # -- the upstream

    def send(self, connection: Connection, exchange: Exchange) -> None:
        """The chain is passed: on to the upstream, or into another chain."""
        url = exchange.url
        if url is not None and url.startswith(b"tyk://"):
            self.loop(connection, exchange, enter_loop(self.table, exchange, url))
        elif exchange.route.loops_to:
            self.loop(connection, exchange, enter_target(self.table, exchange))
        else:
            rejection = self.dispatcher.send(exchange, connection)
            if rejection is not None:
                connection.reject(exchange, rejection)

    def loop(self, connection: Connection, exchange: Exchange, entered: Exchange | Rejection) -> None:
        """Go on in another chain (contract 06.5)."""
        if isinstance(entered, Rejection):
            connection.reject(exchange, entered)
        else:
            connection.exchange = entered
            self.enter(connection, entered, entered.route)

    # -- what goes wrong

    def store_away(self, connection: Connection, exchange: Exchange, error: StoreError) -> None:
        """The store cannot be asked: that is no verdict about the key."""
        moment = ticks()
        if moment >= self.store_told_until_ticks:  # not once a request: thousands may meet the same outage
            self.store_told_until_ticks = moment + TELL_AGAIN_S
            what = (moment, exchange.route.api_id, str(error))
            connection.listener.loop.call_later(TELL_AFTER_S, self.tell_of_store, *what)
        if connection.exchange is exchange:
            connection.reject(exchange, STORE_UNAVAILABLE)

    def tell_of_store(self, moment: float, api_id: str, error: str) -> None:
        """Log that the store did not answer a request, unless it was away then: that has been told by itself."""
        if not self.services.keys.store_was_away_since(moment):
            self.services.log("error", "Store unavailable", api_id=api_id, error=error)

    def broken(self, connection: Connection, exchange: Exchange, error: Exception) -> None:
        """A defect of ours, or of a plugin: this request fails, and nothing else."""
        self.services.log("error", "Request failed", api_id=exchange.route.api_id, exc_info=error)
        if connection.exchange is exchange:
            connection.reject(exchange, INTERNAL)
