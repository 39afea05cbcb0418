"""What the checks came to, in words and as an exit code."""

import json

import pytest

from sluicegate.cli.verify.report import Failed, NotTested, Result, run_check, table, told, wait

GOOD = Result("a", True, 0.5, 10, 0, "well")
BAD = Result("b", False, 0.0, 10, 1, "503")
UNTESTED = Result("c", None, 0.0, 0, 0, "nobody did it")


@pytest.mark.parametrize(
    ("results", "strict", "code"),
    [([GOOD], True, 0), ([GOOD, BAD], False, 1), ([GOOD, UNTESTED], False, 0), ([GOOD, UNTESTED], True, 1)],
)
def test_the_exit_code(results, strict, code, capsys) -> None:
    assert told(results, strict=strict, as_json=True) == code
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] == (code == 0)
    assert [one["passed"] for one in found["checks"]] == [one.passed for one in results]


def test_the_table_says_why_something_was_not_tested() -> None:
    assert table([GOOD, UNTESTED]).splitlines() == [
        "CHECK  RESULT      TIME     REQUESTS  FAILED",
        "a      passed      0.500 s  10        0       well",
        "c      not tested  -        -         -       nobody did it",
    ]


def raising(error: Exception):
    def check() -> tuple[float, str]:
        raise error

    return check


def test_what_a_check_finds_is_its_result() -> None:
    assert run_check("a", lambda: (0.1234, "well"), None) == Result("a", True, 0.123, 0, 0, "well")
    assert run_check("a", raising(Failed("it did not")), None).passed is False
    assert run_check("a", raising(OSError("gone")), None) == Result("a", False, 0.0, 0, 0, "gone")
    assert run_check("a", raising(NotTested("nobody")), None) == Result("a", None, 0.0, 0, 0, "nobody")


def test_waiting_ends() -> None:
    with pytest.raises(Failed, match="it never came"):
        wait(lambda: False, 0.0, "it never came")
