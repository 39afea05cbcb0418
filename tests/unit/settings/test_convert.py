from typing import Any

import pytest

from sluicegate.settings.convert import Mismatch, from_env, from_json
from sluicegate.settings.json_lines import parse
from sluicegate.settings.section import Nanoseconds, Port, Seconds, TLSVersion, TLSVersionName
from sluicegate.settings.server import CertData, PortRange, PortsWhiteList


def read(text: str, type_: Any) -> Any:
    return from_json(parse(text.encode(), "x"), type_)


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ("1", int, 1),
        ("1", float, 1.0),
        ("1.5", float, 1.5),
        ("1e3", float, 1000.0),
        ("null", int, 0),
        ("null", bool | None, None),
        ("false", bool | None, False),
        ('["a", null]', list[str], ["a", ""]),
        ('{"A": "x"}', dict[str, str], {"A": "x"}),
        ('{"a": [1, {"b": null}]}', dict[str, Any], {"a": [1, {"b": None}]}),
        ("771", TLSVersion, 771),
        ("10", Nanoseconds, 10),
        ("2.5", Seconds, 2.5),
        ('"1m30s"', Seconds, 90.0),
        ('[{"DOMAIN_NAME": "a", "other": 1}]', list[CertData], [CertData(domain_name="a")]),
        (
            '{"http": {"ranges": [{"from": 1, "to": 2}], "ports": [3]}}',
            dict[str, PortsWhiteList],
            {"http": PortsWhiteList(ranges=[PortRange(from_=1, to=2)], ports=[3])},
        ),
    ],
)
def test_json_values(text: str, type_: Any, value: Any) -> None:
    found = read(text, type_)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "type_", "wanted", "found"),
    [
        ('"x"', int, "a number", '"x"'),
        ("1.0", int, "a whole number", "1.0"),
        ("true", int, "a number", "true"),
        ("1", bool, "true or false", "1"),
        ("1", str, "a text", "1"),
        ("{}", list[str], "a list", "an object"),
        ("[]", dict[str, str], "an object", "a list"),
        ("70000", Port, "a number from 0 to 65535", "70000"),
        ("-1", Seconds, "a number of at least 0", "-1.0"),
        ('"soon"', Seconds, "a number of seconds or a duration such as 10s", '"soon"'),
        ('"10s"', Nanoseconds, "a number", '"10s"'),
        ("9223372036854775808", int, "a number that fits 64 bits", "9223372036854775808"),
        ("1e999", float, "a number that fits 64 bits", "inf"),
        ("773", TLSVersion, "one of 0, 769, 770, 771, 772", "773"),
        ("true", TLSVersion, "one of 0, 769, 770, 771, 772", "true"),
        ('"1.4"', TLSVersionName, 'one of "", "1.0", "1.1", "1.2", "1.3"', '"1.4"'),
    ],
)
def test_json_mismatches(text: str, type_: Any, wanted: str, found: str) -> None:
    with pytest.raises(Mismatch) as error:
        read(text, type_)
    assert (error.value.wanted, error.value.found) == (wanted, found)


def test_a_mismatch_inside_names_its_line_and_place() -> None:
    with pytest.raises(Mismatch) as error:
        read('[\n{},\n{"cert_file":\n 3}]', list[CertData])
    assert (error.value.line, error.value.inside) == (4, "[1].cert_file")


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ("", str, ""),
        ("T", bool, True),
        ("False", bool, False),
        ("0x1F", int, 31),
        ("017", int, 15),
        ("-1_000", int, -1000),
        (".5", float, 0.5),
        ("10s", Nanoseconds, 10_000_000_000),
        ("-1.5ms", Nanoseconds, -1_500_000),
        ("0", Nanoseconds, 0),
        ("10", Seconds, 10.0),
        ("2h45m", Seconds, 9900.0),
        ("true", bool | None, True),
        ("3", int | None, 3),
        ("0x303", TLSVersion, 771),
        ("1.2", TLSVersionName, "1.2"),
        ("a, b,,c", list[str], ["a", " b", "", "c"]),
        ("", list[str], []),
        ("a:1,b:2", dict[str, str], {"a": "1", "b": "2"}),
        ("", dict[str, str], {}),
        ('[{"domain_name": "a"}]', list[CertData], [CertData(domain_name="a")]),
        ('{"a": 1}', dict[str, Any], {"a": 1}),
    ],
)
def test_environment_values(text: str, type_: Any, value: Any) -> None:
    found = from_env(text, type_)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("yes", bool),
        ("", bool),
        ("", int),
        (" 1", int),
        ("1.5", int),
        ("08", int),
        ("1__0", int),
        ("9" * 30, int),
        ("9" * 100, int),
        ("0x1", float),
        ("1e999", float),
        ("10", Nanoseconds),
        ("10 s", Nanoseconds),
        ("-1", Seconds),
        ("a", dict[str, str]),
        ("a:b:c", dict[str, str]),
        ("[1]", list[CertData]),
        ("[", list[CertData]),
        ("99999", Port),
        ("redis", TLSVersion),
        ("9", TLSVersionName),
    ],
)
def test_environment_mismatches(text: str, type_: Any) -> None:
    with pytest.raises(Mismatch):
        from_env(text, type_)
