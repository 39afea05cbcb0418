from pathlib import Path

import pytest

from sluicegate.errors import ConfigError
from sluicegate.settings.honoured import is_honoured, longest_match
from sluicegate.settings.load import load_settings
from sluicegate.settings.model import Settings
from sluicegate.settings.shape import leaves
from sluicegate.settings.shared import (
    OWN,
    SHARED,
    SharedSettings,
    examine_shared,
    laid_over,
    overruled,
    read_shared,
    value_at,
    why_own,
)


def test_each_honoured_setting_is_shared_or_says_why_it_is_not() -> None:
    assert leaves().keys() >= SHARED
    assert [path for path in SHARED if not is_honoured(path)] == []
    others = [path for path in leaves() if is_honoured(path) and path not in SHARED]
    assert [path for path in others if longest_match(path, OWN) is None] == []
    assert [path for path in SHARED if longest_match(path, OWN) is not None] == []
    known = set(leaves()) | {path.rpartition(".")[0] for path in leaves()}
    assert [name for name in OWN if name not in known] == []


def test_all_that_is_wrong_is_told_with_its_line() -> None:
    text = b'{\n"listen_port": 1,\n"min_token_lenght": 3,\n"min_token_length": "x",\n"sluicegate": {"workers": 2}}'
    _, problems = examine_shared(text, "settings.json")
    assert [str(one) for one in problems] == [
        "settings.json:2: listen_port: is not shared: it says who a node is, and where it is reached"
        " (take it out of what is shared)",
        'settings.json:4: min_token_length: expected a number, found "x"',
        "settings.json:5: sluicegate.workers: is not shared: it says what a node has to spare, and how its process runs"
        " (take it out of what is shared)",
        "settings.json:3: min_token_lenght: unknown setting; did you mean min_token_length?",
    ]
    with pytest.raises(ConfigError, match=r"it says who a node is.* \(and 3 more\)"):
        read_shared(text, "settings.json")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"{}", "shares no setting"),
        (b'{"min_token_length": null}', "shares no setting"),
        (b"[]", "expected an object"),
        (b"{", "expected a name"),
        (b'{"min_token_length": 3, "min_token_length": 4}', "set a second time"),
    ],
)
def test_what_is_no_document_of_settings_is_refused(text: bytes, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        read_shared(text, "settings.json")


def test_a_setting_that_is_not_there_yet_says_so() -> None:
    assert why_own("statsd_prefix") == "it is known, but not honoured yet"
    assert why_own("cloud") == "it does nothing"


def test_shared_settings_lie_over_a_nodes_own() -> None:
    own = Settings(min_token_length=9, secret="s")
    shared = read_shared(b'{"proxy_default_timeout": 0, "sluicegate": {"ejection": {"failures": 7}}}', "")
    laid = laid_over(own, shared)
    assert (laid.secret, laid.min_token_length, laid.sluicegate.ejection.failures) == ("s", 9, 7)
    assert laid.proxy_default_timeout == 30, "a zero that means the default means it here too"
    assert laid.http_server_options is own.http_server_options
    assert laid_over(own, SharedSettings()) is own
    assert value_at(laid, "sluicegate.ejection.failures") == 7


def test_settings_that_do_not_fit_together_are_refused() -> None:
    own = Settings(proxy_ssl_max_version=771)
    with pytest.raises(ConfigError, match="proxy_ssl_min_version: the lowest TLS version is above the highest"):
        laid_over(own, read_shared(b'{"proxy_ssl_min_version": 772}', ""))
    with pytest.raises(ConfigError, match="oauth_error_status_code: not a status of HTTP: 1000"):
        laid_over(own, read_shared(b'{"oauth_error_status_code": 1000}', ""))


def test_only_what_a_node_sets_otherwise_is_overruled(tmp_path: Path) -> None:
    conf = tmp_path / "tyk.conf"
    conf.write_text('{"min_token_length": 4,\n"allow_master_keys": false}')
    loaded = load_settings(conf, {"TYK_GW_PROXYDEFAULTTIMEOUT": "7"})
    shared = read_shared(
        b'{"min_token_length": 4, "allow_master_keys": true, "proxy_default_timeout": 8, "enforce_org_quotas": true}',
        "",
    )
    found = [one.where for one in overruled(loaded.settings, loaded.origins, shared)]
    assert found == [f"{conf}:2: allow_master_keys", "TYK_GW_PROXYDEFAULTTIMEOUT: proxy_default_timeout"]
