"""The command line of `sluicegate verify`."""

import pytest
from click.testing import CliRunner

from sluicegate.cli import main

HERE = ("--url", "http://127.0.0.1:1", "--secret", "s")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--stop-node", "true"), "name a cluster by --url or --conf"),
        ((*HERE, "--nodes", "3"), "--nodes is for a scratch cluster"),
        ((*HERE, "--stop-node", "true"), "give --start-node too"),
        (("--url", " , ", "--secret", "s"), "no node is named"),
        (("--url", "ftp://a", "--secret", "s"), "is not a URL"),
        ((*HERE, "--front", "http://a/b"), "is not scheme, host and port"),
        (HERE, "no answer"),
    ],
)
def test_a_wrong_command_line_and_nobody_there(words: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(main, ["verify", *words])
    assert result.exit_code == 2
    assert said in result.output
