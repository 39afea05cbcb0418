"""When a URL rewrite uses another target: the triggers of `url_rewrites[].triggers` (contract 09.3).

A trigger has groups of options, one for each place to look in. A trigger is satisfied by all its groups, and a group by
as many matches as it has options; with `on: any`, one match anywhere is enough. What matched becomes context variables,
`trigger-<n>-<name>-<i>` and `trigger-<n>-<name>-<i>-<group>`, for the target to use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote_to_bytes

from sluicegate.apidef.pattern import compile_pattern
from sluicegate.chain.context_vars import FORM_FIELDS_LIMIT, context_value
from sluicegate.errors import ConfigError
from sluicegate.wire.headers import canonical

if TYPE_CHECKING:
    from sluicegate.apidef.classic import RoutingTrigger, StringRegexMap
    from sluicegate.chain.exchange import Exchange

Learnt = dict[str, Any]

MOST_MATCHES = 100
"""How many matches in a body become variables."""


class Option:
    """One pattern. Reversed, it matches what the pattern does not, but never what is absent. Raises ConfigError."""

    __slots__ = ("_pattern", "_reverse")

    def __init__(self, option: StringRegexMap) -> None:
        self._pattern, self._reverse = compile_pattern(option.match_rx), option.reverse

    def matches(self, text: str, name: str, learnt: Learnt) -> bool:
        """Return whether a text matches; what was found is learnt under the name."""
        found = self._pattern.search(text)
        if found is None:
            return self._reverse
        if self._reverse:
            return False
        _learn(learnt, name, found)
        return True

    def matches_often(self, text: str, name: str, learnt: Learnt) -> bool:
        """Return whether a text matches; each match is learnt under the name and its number, the first without, too."""
        if self._reverse:
            return not self._pattern.found(text)
        is_found = False
        for number, found in enumerate(self._pattern.search_all(text, MOST_MATCHES)):
            is_found = True
            learnt.setdefault(name, found[0])
            _learn(learnt, f"{name}-{number}", found)
        return is_found


def _learn(learnt: Learnt, name: str, found: tuple[str, ...]) -> None:
    learnt[name] = found[0]
    for number, group in enumerate(found[1:]):
        learnt[f"{name}-{number}"] = group


Group = Callable[["Exchange", Learnt], bool]


class Trigger:
    """One trigger, compiled. Raises ConfigError for a bad pattern.

    reads_body: whether it looks at the payload, which must have been read by then.
    """

    __slots__ = ("_any", "_groups", "reads_body")

    def __init__(self, trigger: RoutingTrigger, number: int) -> None:
        options, prefix = trigger.options, f"trigger-{number}-"
        self._any = trigger.on == "any"
        self.reads_body = bool(options.payload_matches.match_rx)
        groups: list[Group] = [
            make(prefix, {name: Option(one) for name, one in given.items()}, 1 if self._any else len(given))
            for make, given in (
                (_in_headers, options.header_matches),
                (_in_query, options.query_val_matches),
                (_in_path, options.path_part_matches),
                (_in_session, options.session_meta_matches),
                (_in_context, options.request_context_matches),
            )
            if given
        ]
        if self.reads_body:
            groups.append(_in_payload(prefix, Option(options.payload_matches)))
        self._groups = tuple(groups)

    def is_satisfied(self, exchange: Exchange) -> bool:
        """Return whether the request satisfies it; `exchange.context` then knows what matched."""
        learnt: Learnt = {}
        if self._any:
            satisfied = any(group(exchange, learnt) for group in self._groups)
        else:
            satisfied = all(group(exchange, learnt) for group in self._groups)
        if learnt:
            if exchange.context is None:
                exchange.context = learnt
            else:
                exchange.context.update(learnt)
        return satisfied


def compile_triggers(triggers: Iterable[RoutingTrigger]) -> list[tuple[Trigger, RoutingTrigger]]:
    """Return the triggers with what they were made of. Raises ConfigError."""
    try:
        return [(Trigger(one, number), one) for number, one in enumerate(triggers)]
    except ConfigError as error:
        raise ConfigError("url_rewrites: triggers", error.what, error.hint) from None


Options = Mapping[str, Option]


def _count(option: Option, name: str, texts: Iterable[str], learnt: Learnt) -> int:
    return sum(option.matches(text, f"{name}-{number}", learnt) for number, text in enumerate(texts))


def _in_headers(prefix: str, options: Options, needed: int) -> Group:
    names = {canonical(name.encode("utf-8", "surrogateescape")): one for name, one in options.items()}
    wanted = [(name.lower(), prefix + _text(name), one) for name, one in names.items()]

    def satisfied(exchange: Exchange, learnt: Learnt) -> bool:
        headers = exchange.request.headers if exchange.changed_headers is None else exchange.changed_headers
        found = [_count(one, name, map(_text, headers.get_all(lower)), learnt) for lower, name, one in wanted]
        return sum(found) >= needed

    return satisfied


def _in_query(prefix: str, options: Options, needed: int) -> Group:
    def satisfied(exchange: Exchange, learnt: Learnt) -> bool:
        try:
            values = parse_qs(_text(exchange.query), True, errors="surrogateescape", max_num_fields=FORM_FIELDS_LIMIT)
        except ValueError:
            return False
        found = [_count(one, prefix + name, values.get(name, ()), learnt) for name, one in options.items()]
        return sum(found) >= needed

    return satisfied


def _in_path(prefix: str, options: Options, needed: int) -> Group:
    def satisfied(exchange: Exchange, learnt: Learnt) -> bool:
        found = 0
        parts = _text(unquote_to_bytes(exchange.path)).split("/")
        for name, one in options.items():
            for part in parts:  # numbered by match, not by part
                found += one.matches(part, f"{prefix}{name}-{found}", learnt)
        return found >= needed

    return satisfied


def _in_session(prefix: str, options: Options, needed: int) -> Group:
    def satisfied(exchange: Exchange, learnt: Learnt) -> bool:
        session = exchange.session
        if session is None:
            return False
        return _count_values(prefix, options, session.meta_data.get, learnt) >= needed

    return satisfied


def _in_context(prefix: str, options: Options, needed: int) -> Group:
    def satisfied(exchange: Exchange, learnt: Learnt) -> bool:
        return _count_values(prefix, options, lambda name: context_value(exchange, name), learnt) >= needed

    return satisfied


def _count_values(prefix: str, options: Options, value_of: Callable[[str], Any], learnt: Learnt) -> int:
    found = 0
    for name, one in options.items():
        value = value_of(name)
        if isinstance(value, str):
            found += one.matches(value, prefix + name, learnt)
    return found


def _in_payload(prefix: str, option: Option) -> Group:
    def satisfied(exchange: Exchange, learnt: Learnt) -> bool:
        return option.matches_often(_text(exchange.body or b""), f"{prefix}payload", learnt)

    return satisfied


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")
