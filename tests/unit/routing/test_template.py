"""Templates of listen paths and domains as regular expressions."""

from __future__ import annotations

import pytest

from sluicegate.apidef.pattern import compile_pattern
from sluicegate.errors import ConfigError
from sluicegate.routing.template import template_pattern


@pytest.mark.parametrize(
    ("template", "separator", "pattern"),
    [
        ("/a.b/", "/", r"/a\.b/"),
        ("/{one}/x/{two}", "/", "/([^/]+)/x/([^/]+)"),
        ("/{id:[0-9]{2,3}}/", "/", "/([0-9]{2,3})/"),
        ("{tenant}.host.test", ".", r"([^.]+)\.host\.test"),
    ],
)
def test_patterns(template: str, separator: str, pattern: str) -> None:
    assert template_pattern(template, separator) == pattern


def test_what_re2_refuses_is_an_error_of_the_definition() -> None:
    with pytest.raises(ConfigError):
        compile_pattern(template_pattern("/{id:(}/", "/"))


@pytest.mark.parametrize("template", ["/{open", "/a}/", "/{a}}/", "/{a:[0-9]{2}/", "/{}/", "/{:x}/", "/{a:}/", "/{:}/"])
def test_what_is_no_template_is_an_error_of_the_definition(template: str) -> None:
    with pytest.raises(ConfigError):
        template_pattern(template, "/")
