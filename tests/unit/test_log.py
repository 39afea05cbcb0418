import json
import logging
import re
from collections.abc import Iterator

import pytest

from sluicegate import log

AT_S = 1767366245.7


@pytest.fixture(autouse=True)
def _utc_and_defaults(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setenv("TZ", "UTC")
    yield
    log.configure()
    root.handlers[:] = handlers
    root.setLevel(level)


def line(level: int, message: str, /, **fields: object) -> str:
    return log.line(level, message, fields, AT_S).decode()


def test_text_is_what_logrus_writes() -> None:
    log.configure("info", "text")
    stamp = log.timestamp(AT_S)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", stamp)
    assert (
        line(log.INFO, "API loaded", prefix="main", api_id="one", count=3, ok=True, none=None)
        == f'time="{stamp}" level=info message="API loaded" api_id=one count=3 none="<nil>" ok=true prefix=main\n'
    )


def test_an_empty_message_is_left_out_of_text_and_kept_in_json() -> None:
    log.configure("info", "text")
    assert "message" not in line(log.INFO, "", status=200)
    log.configure("info", "json")
    assert json.loads(line(log.INFO, "", status=200))["message"] == ""


def test_json_is_sorted_and_escaped_as_go_does() -> None:
    log.configure("info", "json")
    text = line(log.WARNING, "a<b>&c", zeta=[1, "x"], alpha={"k": b"v"}, level="mine", huge=2**70, bad="\udc80")
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert r"a\u003cb\u003e\u0026c" in text
    found = json.loads(text)
    assert found["level"] == "warning" and found["fields.level"] == "mine"
    assert found["zeta"] == [1, "x"] and found["alpha"] == {"k": "v"} and found["huge"] == str(2**70)


def test_legacy_has_another_key_and_another_time() -> None:
    log.configure("info", "legacy")
    assert re.fullmatch(r'time="\w{3} \d\d \d\d:\d\d:\d\d" level=error msg=gone\n', line(log.ERROR, "gone"))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain-1.5/@^+", "plain-1.5/@^+"),
        ("", ""),
        ("two words", '"two words"'),
        ('say "hi"\\', r'"say \"hi\"\\"'),
        ("a\nlevel=fatal", r'"a\nlevel=fatal"'),
        ("\x00\x7f", r'"\x00\x7f"'),
        ("é\u2028", r'"é\u2028"'),
        ("\U000e0001", r'"\U000e0001"'),
    ],
)
def test_quoting(value: str, written: str) -> None:
    assert log.quote(value) == written


def test_levels_filter(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("warn")
    logger = log.get(prefix="main").bind(api_id="x")
    logger.debug("no")
    logger.info("no")
    logger.log("info", "no")
    logger.warning("yes")
    logger.log("error", "yes")
    logger.fatal("yes")
    out = capfd.readouterr().err
    assert out.count("message=yes api_id=x prefix=main") == 3 and "no" not in out.replace("none", "")


def test_libraries_speak_through_it(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "json")
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("some.library").exception("it failed: %s", "here")
    logging.getLogger("some.library").warning("bad %d", "arguments")
    first, second = capfd.readouterr().err.splitlines()
    assert json.loads(first)["message"] == "it failed: here" and "ValueError: broken" in json.loads(first)["error"]
    assert json.loads(second)["prefix"] == "some.library"


def test_keys_are_obfuscated_unless_asked_for() -> None:
    log.configure()
    assert (log.show_key("abcdefgh"), log.show_key("abcd"), log.show_key("")) == ("****efgh", "--", "--")
    log.configure(enable_key_logging=True)
    assert log.show_key("abcdefgh") == "abcdefgh"
