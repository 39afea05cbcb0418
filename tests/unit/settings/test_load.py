import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sluicegate.settings.load import Loaded, SettingsErrors, load_settings
from sluicegate.settings.model import Settings
from sluicegate.settings.server import CertData
from sluicegate.settings.shape import leaves


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(document: Any = None, **environ: str) -> Loaded:
    """Load `tyk.conf` in the working directory, after writing it."""
    if document is not None:
        text = document if isinstance(document, str) else json.dumps(document, indent=1)
        Path("tyk.conf").write_text(text)
    return load_settings(None, environ)


def errors(document: Any = None, **environ: str) -> list[str]:
    with pytest.raises(SettingsErrors) as caught:
        load(document, **environ)
    return [str(error) for error in caught.value.errors]


def test_without_any_file_the_defaults_apply(tmp_path: Path) -> None:
    loaded = load()
    assert loaded.file is None and loaded.warnings == []
    found = loaded.settings
    assert (found.listen_port, found.http_server_options.read_timeout, found.proxy_default_timeout) == (8080, 120, 30)
    assert (found.min_token_length, found.reload_interval, found.secret, found.storage.type) == (3, 1, "", "")
    assert found.sluicegate.store_path == str(tmp_path / "sluicegate.db")
    assert not list(tmp_path.iterdir())


def test_the_store_is_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    file = tmp_path / "etc" / "one.conf"
    file.write_text("{}")
    assert load_settings(file, {}).settings.sluicegate.store_path == str(tmp_path / "etc" / "sluicegate.db")
    named = load_settings(file, {"TYK_GW_SLUICEGATE_STOREPATH": "/x/y.db"})
    assert named.settings.sluicegate.store_path == "/x/y.db"


def test_a_named_file_must_be_there() -> None:
    with pytest.raises(SettingsErrors, match=r"no\.conf: cannot be read: No such file or directory"):
        load_settings(Path("no.conf"), {})


def test_names_match_in_any_case_and_null_is_absent() -> None:
    found = load('{"LISTEN_PORT": 9000, "Storage": {"HOST": "r"}, "hash_keys": null, "policies": null}').settings
    assert (found.listen_port, found.storage.host, found.hash_keys) == (9000, "r", False)


def test_zero_means_the_default_where_tyk_puts_one_in() -> None:
    zeroed = {"http_server_options": {"read_timeout": 0}, "min_token_length": -1, "app_path": "", "listen_port": 0}
    assert load(zeroed | {"global_session_lifetime": 0}).settings == load("{}").settings


def test_all_errors_are_told_at_once_with_file_line_and_field() -> None:
    document = """{
        "listen_port": "x",
        "storage": {"port": 70000, "password": 12345},
        "http_server_options": {"certificates": [{"cert_file": 3}], "min_version": 772, "max_version": 771},
        "log_level": "zork", "version_header": "a b",
        "opentelemetry": 5
    }"""
    assert errors(document, TYK_GW_HASHKEYS="yes") == [
        'tyk.conf:2: listen_port: expected a number, found "x"',
        "tyk.conf:3: storage.port: expected a number from 0 to 65535, found 70000",
        "tyk.conf:3: storage.password: expected a text, found something else",
        "tyk.conf:4: http_server_options.certificates[0].cert_file: expected a text, found 3",
        "tyk.conf:4: http_server_options.min_version: the lowest TLS version is above the highest "
        "(http_server_options.max_version)",
        'tyk.conf:5: log_level: expected debug, info, warn or error, found "zork"',
        'tyk.conf:5: version_header: not the name of a header: "a b" (write it as X-Api-Version)',
        "tyk.conf:6: opentelemetry: expected an object, found 5",
        'TYK_GW_HASHKEYS: hash_keys: expected true or false, found "yes"',
    ]


def test_a_broken_document_is_one_error() -> None:
    assert errors('{"a": 1,\n}') == [
        'tyk.conf:2: expected a name after ",", found "}" (column 1) (the last comma is one too many)'
    ]


def test_warnings_name_what_is_unknown_repeated_or_not_honoured() -> None:
    document = """{
        "listen_prot": 1,
        "use_ssl": true,
        "zork": 1,
        "storage": {"hosst": "a"},
        "hash_keys": true,
        "hash_keys": false,
        "enable_jsvm": true,
        "use_sentry": false,
        "hash_key_function": "md5",
        "secret": "352d20ee67be67f6340b4c0605b044b7"
    }"""
    assert load(document).warnings == [
        "tyk.conf:2: listen_prot: unknown setting; did you mean listen_port?",
        "tyk.conf:3: use_ssl: unknown setting; did you mean http_server_options.use_ssl?",
        "tyk.conf:4: zork: unknown setting",
        "tyk.conf:5: storage.hosst: unknown setting; did you mean storage.host?",
        "tyk.conf:7: hash_keys: set a second time, after line 6; of two values the last one counts",
        "tyk.conf:8: enable_jsvm: known, but not honoured yet",
        "tyk.conf:10: hash_key_function: expected one of murmur32, murmur64, murmur128, sha256; murmur64 is used",
        "tyk.conf:11: secret: this is the secret of Tyk's examples, which everybody knows (change it)",
    ]


def test_the_environment_wins_over_the_file() -> None:
    found = load(
        {"listen_port": 1, "storage": {"optimisation_max_idle": 1}, "log_level": "warn"},
        TYK_GW_LISTENPORT="9001",
        TYK_GW_STORAGE_MAXIDLE="7",
        TYK_GW_HTTPSERVEROPTIONS_CERTIFICATES='[{"cert_file": "c", "key_file": "k"}]',
        TYK_GW_SECRETS="a:b",
        TYK_GW_EXTERNALSERVICES_GLOBAL_HTTPPROXY="p",
        TYK_GW_SECRET="",
        TYK_GW_LOGLEVEL="error",
        TYK_LOGLEVEL="debug",
        TYK_LOGFORMAT="json",
        tyk_gw_listenport="1",
    ).settings
    assert (found.listen_port, found.storage.optimisation_max_idle, found.secret) == (9001, 7, "")
    assert found.http_server_options.certificates == [CertData(cert_file="c", key_file="k")]
    assert found.external_services.global_.http_proxy == "p" and found.secrets == {"a": "b"}
    assert (found.log_level, found.log_format) == ("debug", "json")


def test_variables_that_mean_nothing_are_named() -> None:
    found = load(
        TYK_GW_STORAGE_OPTIMISATIONMAXIDLE="1", TYK_GW_LISTENPROT="1", TYK_GW_ZORK="1", TYK_GW_TRACER_OPTIONS_X="1"
    )
    assert found.warnings == [
        "TYK_GW_LISTENPROT: no setting has this name in the environment; did you mean TYK_GW_LISTENPORT?",
        "TYK_GW_STORAGE_OPTIMISATIONMAXIDLE: no setting has this name in the environment; "
        "did you mean TYK_GW_STORAGE_MAXIDLE?",
        "TYK_GW_ZORK: no setting has this name in the environment",
    ]


def test_omitting_the_file_leaves_the_environment() -> None:
    found = load('{"broken', TYK_GW_OMITCONFIGFILE="TRUE", TYK_GW_LISTENPORT="9001").settings
    assert found.listen_port == 9001


@pytest.mark.parametrize(
    ("document", "environ", "storage"),
    [
        ({}, {"TYK_REDIS_HOST": "r", "TYK_REDIS_PORT": "7", "TYK_REDIS_PASSWORD": "p"}, ("redis", "r", 7, "p")),
        ({}, {"TYK_REDIS_PORT": "7"}, ("", "localhost", 7, "")),
        ({}, {"TYK_REDIS_HOST": "r", "TYK_GW_STORAGE_HOST": "s"}, ("redis", "s", 6379, "")),
        ({}, {"TYK_REDIS_HOST": "r", "TYK_GW_STORAGE_TYPE": "embedded"}, ("embedded", "r", 6379, "")),
        ({"storage": {"type": "embedded"}}, {"TYK_REDIS_HOST": "r"}, ("embedded", "r", 6379, "")),
        ({"storage": {"host": "f"}}, {"TYK_GW_STORAGE_TYPE": "redis", "TYK_REDIS_HOST": "r"}, ("redis", "r", 6379, "")),
    ],
)
def test_short_forms_of_the_store(document: Any, environ: dict[str, str], storage: tuple[Any, ...]) -> None:
    found = load(document, **environ).settings.storage
    assert (found.type, found.host, found.port, found.password) == storage


def test_a_redis_that_the_environment_names_is_the_one() -> None:
    document = {"storage": {"hosts": {"elsewhere:6379": "elsewhere:6379"}, "addrs": ["elsewhere:1"]}}
    for environ in ({"TYK_REDIS_HOST": "r"}, {"TYK_REDIS_URL": "redis://r"}):
        found = load(document, **environ).settings.storage
        assert (found.type, found.host, found.hosts, found.addrs) == ("redis", "r", {}, [])
    assert load(document, TYK_REDIS_HOST="r", TYK_GW_STORAGE_ADDRS="s:1").settings.storage.addrs == ["s:1"]


@pytest.mark.parametrize(
    ("url", "storage"),
    [
        ("redis://r", ("r", 6379, False, "", "", 0)),
        ("rediss://u:p%40ss@r.example:7/3", ("r.example", 7, True, "u", "p@ss", 3)),
        ("redis://:p@[::1]/", ("::1", 6379, False, "", "p", 0)),
        ("redis://:p@[::1]:8", ("::1", 8, False, "", "p", 0)),
    ],
)
def test_a_redis_in_one_url(url: str, storage: tuple[Any, ...]) -> None:
    found = load(TYK_REDIS_URL=url).settings.storage
    assert (
        *(found.host, found.port, found.use_ssl),
        *(found.username, found.password, found.database),
    ) == storage
    assert found.type == "redis"
    assert load(TYK_REDIS_URL=url, TYK_REDIS_HOST="s").settings.storage.host == "s"


@pytest.mark.parametrize("rest", ["r:x", "r:0", "r:99999", "", "r/x", "r/1?x=1", "[r"])
def test_a_url_that_is_none_is_refused_and_not_shown(rest: str) -> None:
    with pytest.raises(SettingsErrors) as caught:
        load(TYK_REDIS_URL=f"redis://:hidden@{rest}")
    (error,) = caught.value.errors
    assert str(error).startswith("TYK_REDIS_URL: ")
    assert "hidden" not in str(error)


def test_the_cluster_block_and_its_variables() -> None:
    found = load(
        {"cluster": {"enabled": True, "node_id": "a", "data_sync_interval": "30s"}}, TYK_REDIS_HOST="r"
    ).settings.cluster
    assert (found.enabled, found.node_id, found.data_sync_interval) == (True, "a", 30.0)
    found = load(
        TYK_GW_CLUSTER_ENABLED="true", TYK_GW_CLUSTER_NODEID="b", TYK_GW_CLUSTER_DATASYNCINTERVAL="5"
    ).settings.cluster
    assert (found.enabled, found.node_id, found.data_sync_interval) == (True, "b", 5.0)
    assert any("a cluster needs a store that all its nodes reach" in line for line in load().warnings)


def test_references_are_replaced_by_secrets(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "redis").write_text("from file\n")
    document = {
        "secret": "env://gw",
        "node_secret": "secrets://node",
        "secrets": {"node": "from map"},
        "storage": {"password": "file://redis"},
        "kv": {"file": {"base_path": str(tmp_path / "secrets")}},
    }
    found = load(document, TYK_SECRET_GW="from environment").settings
    assert (found.secret, found.node_secret) == ("from environment", "from map")
    assert found.storage.password == "from file"


def test_each_password_of_a_redis_may_be_a_reference() -> None:
    document = {
        block: {"password": "env://redis", "sentinel_password": "env://sentinels"}
        for block in ("storage", "cache_storage", "analytics_storage")
    }
    found = load(document, TYK_SECRET_REDIS="of redis", TYK_SECRET_SENTINELS="of the sentinels").settings
    for block in (found.storage, found.cache_storage, found.analytics_storage):
        assert (block.password, block.sentinel_password) == ("of redis", "of the sentinels")


def test_references_that_lead_nowhere_are_errors(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("x")
    (tmp_path / "base").mkdir()
    document = {
        "secret": "env://gw",
        "node_secret": "secrets://node",
        "storage": {"password": "file://../outside"},
        "cache_storage": {"password": "file://gone"},
        "kv": {"file": {"base_path": str(tmp_path / "base")}},
    }
    found = errors(document)
    assert [line.partition(": ")[2] for line in found] == [
        "secret: env://gw needs the environment variable TYK_SECRET_GW, which is not set",
        "node_secret: secrets://node has no entry in the setting secrets",
        f"storage.password: file://../outside leads out of {tmp_path / 'base'}",
        "cache_storage.password: file://gone cannot be read: No such file or directory",
    ]


def test_references_that_are_not_read_never_become_the_admin_secret() -> None:
    loaded = load({"secret": "vault://a.b", "storage": {"password": "consul://c"}})
    assert (loaded.settings.secret, loaded.settings.storage.password) == ("", "consul://c")
    assert "the setting counts as empty" in loaded.warnings[0] and "not honoured yet" in loaded.warnings[1]


def test_every_setting_has_a_variable_of_its_own() -> None:
    variables = [leaf.variable for leaf in leaves().values()]
    assert len(variables) == len(set(variables))


names = st.sampled_from([path.rpartition(".")[2] for path in leaves()]) | st.text(max_size=8)
names |= st.sampled_from([path.partition(".")[0] for path in leaves()])
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["1.2", "env://a"])
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=150)
@given(
    st.binary(max_size=60) | documents.map(lambda document: json.dumps(document).encode()),
    st.dictionaries(st.sampled_from([leaf.variable for leaf in leaves().values()]), st.text(max_size=10), max_size=4),
)
@example(b'{"storage": {"type": "env://"}, "secret": "file://\\u0000"}', {"TYK_GW_KV_FILE_BASEPATH": "/"})
@example(b'{"drl_threshold": ' + b"9" * 390 + b"}", {})
@example(b'{"cluster": {"data_sync_interval": NaN}}', {})
def test_any_bytes_are_settings_or_errors(document: bytes, environ: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tyk.conf"
        file.write_bytes(document)
        try:
            loaded = load_settings(file, environ)
        except SettingsErrors as error:
            assert error.errors and all(line.isprintable() for line in map(str, error.errors))
        else:
            assert isinstance(loaded.settings, Settings)
            assert all(line.isprintable() for line in loaded.warnings)


@pytest.mark.parametrize("address", ["300.1.1.1", "10.0.0", "::x", "[::1]", "127.0.0.1:80"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    assert errors({"listen_address": address}) == [
        f'tyk.conf:2: listen_address: no address: "{address}" (write it as 127.0.0.1 or ::1)'
    ]


@pytest.mark.parametrize("address", ["", "127.0.0.1", "::1", "localhost", "gateway-1.internal"])
def test_addresses_and_names_of_hosts_are_fine(address: str) -> None:
    assert load({"listen_address": address}).settings.listen_address == address


def test_the_status_of_oauth_errors_is_one_of_http() -> None:
    (error,) = errors({"oauth_error_status_code": 99})
    assert error == "tyk.conf:2: oauth_error_status_code: not a status of HTTP: 99 (RFC 6749 asks for 400)"
    assert load({"oauth_error_status_code": 0}).settings.oauth_error_status_code == 403


@pytest.mark.parametrize("document", [{"control_api_port": 8080}, {"listen_port": 9000, "control_api_port": 9000}])
def test_the_gateway_api_has_its_port_alone(document: dict[str, int]) -> None:
    (error,) = errors(document)
    assert "control_api_port" in error and "is listen_port already" in error
