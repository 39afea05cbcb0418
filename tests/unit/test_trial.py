"""A request that somebody tries, as it would come over the wire."""

from __future__ import annotations

import pytest

from sluicegate.admin.node import DebugRequest
from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition
from sluicegate.errors import ConfigError
from sluicegate.trial import request_bytes


@pytest.mark.parametrize("name", ["", "A\r\nB", "a b", "Ü", "日本"])
def test_what_is_no_name_of_a_header_is_refused_by_name(name: str) -> None:
    api = Api(APIDefinition(), None, "spec")
    with pytest.raises(ConfigError, match=r"request\.headers: not a header name"):
        request_bytes(api, DebugRequest("GET", "/", {name: ["x"]}))
