"""Operations of a document: where they are, and what is asked for them as `extended_paths` (contract 02.8, 06.2).

The extension names operations by their `operationId`; the longest path comes first. Mock responses and the
validation of requests have no place in a classic definition: their middlewares read them from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from sluicegate.apidef.oas.gateway import XTykAPIGateway
from sluicegate.apidef.oas.mapping import Tree
from sluicegate.apidef.oas.operation import Header, Operation, TransformBody, URLRewrite

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "connect")


class Located(NamedTuple):
    """An operation and its place.

    item:  the path item of the document, whose parameters the operation shares.
    said:  the operation as the document has it.
    asked: what the extension asks for it.
    """

    path: str
    method: str
    item: dict[str, Any]
    said: dict[str, Any]
    asked: Operation


def located(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Yield path, method, path item and operation of all that a document has, the longest path first."""
    paths = document.get("paths")
    if not isinstance(paths, dict):
        return
    for path in sorted(paths, key=lambda one: (-len(one), one)):
        item = paths[path]
        if not isinstance(item, dict):
            continue
        for method in METHODS:
            said = item.get(method)
            if isinstance(said, dict):
                yield path, method.upper(), item, said


def operations(document: Mapping[str, Any], extension: XTykAPIGateway) -> list[Located]:
    """Return the operations of which the extension asks something, the longest path first."""
    middleware = extension.middleware
    if middleware is None or not middleware.operations:
        return []
    return [
        Located(path, method, item, said, middleware.operations[said["operationId"]])
        for path, method, item, said in located(document)
        if isinstance(said.get("operationId"), str) and said["operationId"] in middleware.operations
    ]


def extended_paths(document: Mapping[str, Any], extension: XTykAPIGateway) -> Tree:
    """Return `extended_paths` for all operations, as a JSON tree."""
    result: dict[str, list[Tree]] = {}
    for one in operations(document, extension):
        for name, make in _MAKERS.items():
            for entry in make(one.asked):
                place = {"path": one.path, "method": one.method}
                result.setdefault(name, []).append({**place, **entry})
    return dict(result)


Maker = Callable[[Operation], Iterator[Tree]]


def _allowance(name: str) -> Maker:
    def make(asked: Operation) -> Iterator[Tree]:
        said = getattr(asked, name)
        if said is not None:
            yield {"disabled": not said.enabled, "ignore_case": said.ignoreCase}

    return make


def _flag(name: str) -> Maker:
    def make(asked: Operation) -> Iterator[Tree]:
        said = getattr(asked, name)
        if said is not None:
            yield {"disabled": not said.enabled}

    return make


def _headers(name: str) -> Maker:
    def make(asked: Operation) -> Iterator[Tree]:
        said = getattr(asked, name)
        if said is not None:
            yield {
                "disabled": not said.enabled,
                "delete_headers": list(said.remove),
                "add_headers": _header_map(said.add),
            }

    return make


def _header_map(headers: Any) -> dict[str, str]:
    added: list[Header] = list(headers)
    return {header.name: header.value for header in added}


def _body(name: str) -> Maker:
    def make(asked: Operation) -> Iterator[Tree]:
        said: TransformBody | None = getattr(asked, name)
        if said is not None:
            mode, source = ("blob", said.body) if said.body else ("file", said.path)
            template = {"input_type": said.format, "template_mode": mode, "template_source": source}
            yield {"disabled": not said.enabled, "template_data": template}

    return make


def _method(asked: Operation) -> Iterator[Tree]:
    said = asked.transformRequestMethod
    if said is not None:
        yield {"disabled": not said.enabled, "to_method": said.toMethod}


def _cache(asked: Operation) -> Iterator[Tree]:
    said = asked.cache
    if said is not None:
        yield {
            "disabled": not said.enabled,
            "cache_key_regex": said.cacheByRegex,
            "cache_response_codes": list(said.cacheResponseCodes),
            "timeout": said.timeout,
        }


def _timeout(asked: Operation) -> Iterator[Tree]:
    said = asked.enforceTimeout
    if said is not None:
        yield {"disabled": not said.enabled, "timeout": said.value, "duration": str(said.duration)}


def _breaker(asked: Operation) -> Iterator[Tree]:
    said = asked.circuitBreaker
    if said is not None:
        yield {
            "disabled": not said.enabled,
            "threshold_percent": said.threshold,
            "samples": said.sampleSize,
            "return_to_service_after": said.coolDownPeriod,
            "disable_half_open_state": not said.halfOpenStateEnabled,
        }


def _virtual(asked: Operation) -> Iterator[Tree]:
    said = asked.virtualEndpoint
    if said is not None:
        yield {
            "disabled": not said.enabled,
            "response_function_name": said.functionName or said.name,
            "function_source_type": "blob" if said.body else "file",
            "function_source_uri": said.body or said.path,
            "use_session": said.requireSession,
            "proxy_on_error": said.proxyOnError,
        }


def _plugins(asked: Operation) -> Iterator[Tree]:
    for said in asked.postPlugins[:1]:
        yield {"disabled": not said.enabled, "plugin_path": said.path, "func_name": said.functionName}


def _size(asked: Operation) -> Iterator[Tree]:
    said = asked.requestSizeLimit
    if said is not None:
        yield {"disabled": not said.enabled, "size_limit": said.value}


def _rate(asked: Operation) -> Iterator[Tree]:
    said = asked.rateLimit
    if said is not None:
        yield {"disabled": not said.enabled, "rate": said.rate, "per": float(said.per)}


def _rewrite(asked: Operation) -> Iterator[Tree]:
    said = asked.urlRewrite
    if said is not None:
        yield {
            "disabled": not said.enabled,
            "match_pattern": said.pattern,
            "rewrite_to": said.rewriteTo,
            "triggers": _triggers(said),
        }


_MATCHES = {
    "query": "query_val_matches",
    "path": "path_part_matches",
    "header": "header_matches",
    "sessionMetadata": "session_meta_matches",
    "requestContext": "request_context_matches",
}


def _triggers(said: URLRewrite) -> list[Tree]:
    triggers = []
    for trigger in said.triggers:
        options: Tree = {}
        for rule in trigger.rules:
            match = {"match_rx": rule.pattern, "reverse": rule.negate}
            if rule.in_ == "requestBody":
                options["payload_matches"] = match
            elif rule.in_ in _MATCHES:
                options.setdefault(_MATCHES[rule.in_], {})[rule.name] = match
        triggers.append({"on": trigger.condition, "options": options, "rewrite_to": trigger.rewriteTo})
    return triggers


_MAKERS: dict[str, Maker] = {
    "ignored": _allowance("ignoreAuthentication"),
    "white_list": _allowance("allow"),
    "black_list": _allowance("block"),
    "internal": _flag("internal"),
    "method_transforms": _method,
    "transform": _body("transformRequestBody"),
    "transform_response": _body("transformResponseBody"),
    "transform_headers": _headers("transformRequestHeaders"),
    "transform_response_headers": _headers("transformResponseHeaders"),
    "url_rewrites": _rewrite,
    "advance_cache_config": _cache,
    "hard_timeouts": _timeout,
    "virtual": _virtual,
    "go_plugin": _plugins,
    "circuit_breakers": _breaker,
    "track_endpoints": _flag("trackEndpoint"),
    "do_not_track_endpoints": _flag("doNotTrackEndpoint"),
    "size_limits": _size,
    "rate_limit": _rate,
}
