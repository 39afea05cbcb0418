"""What the admin API finds wrong with a definition (contract 02.0)."""

from typing import Any

import pytest

from sluicegate.apidef.classic import APIDefinition
from sluicegate.apidef.gojson import convert
from sluicegate.apidef.validate import check_definition


def version(**fields: Any) -> dict[str, Any]:
    return {"version_data": {"versions": {"v": fields}}}


NO_SOURCE = {"authToken": {"disable_header": True}, "jwt": {"disable_header": True}}
OAUTH = {"enabled": True}


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        ({}, ""),
        (
            {"graphql": {"engine": {"data_sources": [{"name": "x"}, {"name": "x"}]}}},
            "duplicate data source names are not allowed",
        ),
        (
            {"use_standard_auth": True, "auth_configs": NO_SOURCE},
            "all auth sources are disabled for authToken, at least one of header/cookie/query must be enabled",
        ),
        ({"auth_configs": NO_SOURCE}, ""),
        ({"allowed_ips": ["10.0.0.0/8", "::1", "10.0.0.1/8"]}, ""),
        ({"allowed_ips": ["10.0.0.0/99"]}, 'invalid IP/CIDR "10.0.0.0/99"'),
        ({"blacklisted_ips": ["x"]}, 'invalid IP/CIDR "x"'),
        ({"blacklisted_ips": ["x"], "ip_access_control_disabled": True}, ""),
        (version(extended_paths={"hard_timeouts": [{"timeout": -1}]}), "invalid timeout value"),
        (version(extended_paths={"hard_timeouts": [{"timeout": -1, "disabled": True}]}), ""),
        (version(global_enforce_timeout="-1s"), "invalid global timeout value"),
        (
            {"upstream_auth": {"enabled": True, "basic_auth": {"enabled": True}, "oauth": OAUTH}},
            "multiple upstream authentication modes not allowed",
        ),
        ({"upstream_auth": {"enabled": True, "oauth": OAUTH}}, "upstream OAuth authorization type is required"),
        (
            {"proxy": {"enable_load_balancing": True}},
            "all load balancing targets have weight 0, at least one target must have weight > 0",
        ),
    ],
)
def test_the_first_problem_is_said(definition: dict[str, Any], problem: str) -> None:
    assert check_definition(convert(definition, APIDefinition)) == problem
