"""What an upstream learns of a key's limits by variables (contract 07.11), whatever clients learn by headers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.gateway import KEYED, SESSION, Gateway, api
from tests.upstreams import Upstream
from tests.wire import get

LEARNS = {
    "X-Rate": "$tyk_context.rate_limit_limit/$tyk_context.rate_limit_remaining",
    "X-Quota": "$tyk_context.quota_limit/$tyk_context.quota_remaining",
}


@pytest.mark.parametrize(
    ("source", "first", "refused"), [("quotas", b"9", None), ("rate_limits", b"2", b"2")], ids=["quotas", "rate_limits"]
)
def test_the_source_of_headers_does_not_matter(
    tmp_path: Path, upstream: Upstream, source: str, first: bytes, refused: bytes | None
) -> None:
    versions = {"Default": {"name": "Default", "global_headers": LEARNS}}
    shows = {"enable_context_vars": True, "version_data": {"not_versioned": True, "versions": versions}}
    apis = [api("/a/", upstream.url, **KEYED, **shows)]
    with Gateway(tmp_path, apis=apis, conf={"rate_limit_response_headers": source}) as gateway:
        limits = {"rate": 2, "per": 3600, "quota_max": 9, "quota_renewal_rate": 3600}
        _, made = gateway.admin("POST", "/tyk/keys/create", {**SESSION, **limits})
        answers = [gateway.ask(get("/a/x", f"Authorization: {made['key']}")) for _ in range(3)]
        assert [one.status for one in answers] == [200, 200, 429]
        told = [json.loads(one.body)["headers"] for one in answers[:2]]
        assert [(one["x-rate"], one["x-quota"]) for one in told] == [("2/1", "9/8"), ("2/0", "9/7")]
        shown = [one.get(b"x-ratelimit-limit") for one in answers]
        assert shown == [first, first, refused]
