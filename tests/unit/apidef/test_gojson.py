"""Go's JSON dialect, read and written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.apidef.classic import APIDefinition, CORSConfig, ErrorOverride
from sluicegate.apidef.gojson import DEEPEST_LEVEL, decode, encode, indented, parse
from sluicegate.apidef.gotypes import NIL_MAP, Duration
from sluicegate.apidef.policy import Policy
from sluicegate.apidef.session import APILimit, Session
from sluicegate.errors import ConfigError


def test_keys_match_without_case_and_an_exact_one_wins() -> None:
    assert decode(b'{"USE_Keyless":true,"Proxy":{"LISTEN_path":"/a/"}}', APIDefinition).proxy.listen_path == "/a/"
    assert decode(b'{"name":"exact","Name":"other"}', APIDefinition).name == "exact"
    assert decode(b'{"Name":"other","name":"exact"}', APIDefinition).name == "exact"
    assert decode(b'{"cors":{"enable":true}}', APIDefinition).cors.enable


def test_null_is_absent_and_unknown_keys_pass() -> None:
    api = decode(b'{"name":null,"tags":null,"proxy":null,"auth_configs":null,"what":1}', APIDefinition)
    assert api == APIDefinition()
    assert api.tags == ()
    assert api.auth_configs is NIL_MAP


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            '{"use_keyless":"x"}',
            "json: cannot unmarshal string into Go struct field APIDefinition.use_keyless of type bool",
        ),
        (
            '{"Proxy":{"listen_path":3}}',
            "json: cannot unmarshal number 3 into Go struct field APIDefinition.proxy.listen_path of type string",
        ),
        ('{"tags":{}}', "json: cannot unmarshal object into Go struct field APIDefinition.tags of type []string"),
        ('{"tags":[1]}', "json: cannot unmarshal number 1 into Go struct field APIDefinition.tags of type string"),
        (
            '{"listen_port":1.5}',
            "json: cannot unmarshal number 1.5 into Go struct field APIDefinition.listen_port of type int",
        ),
        ('{"jwt_issued_at_validation_skew":-1}', "of type uint64"),
        ('{"session_lifetime":9223372036854775808}', "of type int64"),
        ("[]", "json: cannot unmarshal array into Go value of type apidef.APIDefinition"),
        ("{", "unexpected end of JSON input"),
        ("{} x", "invalid character 'x' after top-level value"),
        ('{"a":}', "invalid character '}' looking for beginning of value"),
        ('{"a":NaN}', "invalid character 'N' looking for beginning of value"),
        ("1e999", "cannot unmarshal number 1e999"),
        ("[" * 100_000, "exceeded max depth"),
        ("[" * (DEEPEST_LEVEL + 1) + "]" * (DEEPEST_LEVEL + 1), "exceeded max depth"),
    ],
)
def test_what_is_wrong_is_said_as_go_says_it(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        decode(text.encode(), APIDefinition, "api.json")
    assert error in raised.value.what
    assert raised.value.where == "api.json"


def test_durations_are_texts() -> None:
    where = '{"version_data":{"versions":{"v":{"global_enforce_timeout":%s}}}}'
    assert decode(where % '"1m30s"', APIDefinition).version_data.versions["v"].global_enforce_timeout == 90.0
    for bad in ('"3"', "3", '"1x"', '"s"', '"1h-3m"'):
        with pytest.raises(ConfigError, match="global_enforce_timeout"):
            decode(where % bad, APIDefinition)


@pytest.mark.parametrize(
    ("text", "seconds", "written"),
    [
        ("500ms", 0.5, "500ms"),
        ("1h", 3600, "1h"),
        ("1.5h", 5400, "1h30m"),
        ("-1s", -1, "0s"),
        ("1m0.5s", 60.5, "1m0.5s"),
        ("10µs", 1e-5, "10µs"),
        ("0", 0, "0s"),
        ("3601s", 3601, "1h1s"),
    ],
)
def test_durations_are_written_as_tyk_does(text: str, seconds: float, written: str) -> None:
    duration = Duration.parse(text)
    assert duration == pytest.approx(seconds)
    assert str(duration) == written


def test_broken_utf8_and_lone_surrogates_become_replacement_characters() -> None:
    assert decode(b'{"name":"\xff\\ud800<"}', APIDefinition).name == "\ufffd\ufffd<"


def test_writing_escapes_html_and_sorts_free_maps() -> None:
    session = decode(b'{"rate":10,"per":1.5,"meta_data":{"b":1.0,"a":"<&>\\u2028"}}', Session)
    assert encode(session) == rb'{"rate":10,"per":1.5,"meta_data":{"a":"\u003c\u0026\u003e\u2028","b":1}}'
    assert encode([session], newline=True).endswith(b"}]\n")


def test_what_may_be_left_out_is_left_out_and_the_rest_is_written() -> None:
    assert encode(Session()) == b"{}"
    assert encode(Session(access_rights={}, meta_data={}, tags=[])) == b"{}"
    assert encode(ErrorOverride()) == b'{"response":{"status_code":0}}'
    cors = json.loads(encode(CORSConfig(allowed_origins=[])))
    assert cors["allowed_origins"] == []
    assert cors["allowed_methods"] is None
    policy = json.loads(encode(Policy(id="p")))
    assert policy["_id"] == ""
    assert policy["tags"] is None


def test_what_runs_only_is_neither_read_nor_written() -> None:
    assert encode(APILimit(rate=1, set_by="p")) == b'{"rate":1}'
    assert decode(b'{"set_by":"p"}', APILimit).set_by == ""


def test_files_are_indented_by_two() -> None:
    assert indented(b'{"a":[1]}') == b'{\n  "a": [\n    1\n  ]\n}'


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(sorted(APIDefinition.__struct_fields__)), inner)
    ),
    max_leaves=20,
)


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for kind in (APIDefinition, Session, Policy):
        try:
            value = decode(data, kind)
        except ConfigError:
            continue
        assert decode(encode(value), kind) == value


@given(json_values)
def test_what_python_wrote_is_read_as_it_is(value: object) -> None:
    assert parse(json.dumps(value)) == value
