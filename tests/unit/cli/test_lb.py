from __future__ import annotations

import pytest
from click.testing import CliRunner

from sluicegate.cli import main
from sluicegate.cli.fronts.caddy import _turns
from sluicegate.cli.fronts.front import Node, choose_algorithm, read_nodes
from sluicegate.errors import ConfigError

NOBODY = "http://127.0.0.1:1"
TWO = "http://10.0.0.1:8080,http://10.0.0.2:8080"


def test_nodes_are_read() -> None:
    assert read_nodes("http://a:8080=3, 10.0.0.2:81 ,http://[::1]:82/,b") == (
        Node("a", 8080, 3),
        Node("10.0.0.2", 81),
        Node("::1", 82),
        Node("b", 80),
    )
    assert [node.address for node in read_nodes("http://[::1]:82,b")] == ["[::1]:82", "b:80"]


@pytest.mark.parametrize(
    "text",
    [
        *("", ",", "https://a", "http://a/path", "http://u@a", "http://a?x", "http://a:x", "http://a:99999", "http://"),
        *("a=0", "a=257", "a=x", "a=", "a,a", "a;b", "a b", "[::1", "a{b}"),
    ],
)
def test_what_is_no_node_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--nodes"):
        read_nodes(text)


def test_weights_choose_the_algorithm() -> None:
    even, uneven = read_nodes("a,b"), read_nodes("a=2,b")
    assert choose_algorithm(None, even) == "round_robin"
    assert choose_algorithm(None, uneven) == "weighted"
    assert choose_algorithm("least_conn", uneven) == "least_conn"
    for asked, nodes in (("round_robin", uneven), ("weighted", even)):
        with pytest.raises(ConfigError, match="--algorithm"):
            choose_algorithm(asked, nodes)


def test_a_weight_is_a_number_of_turns_evenly_spread() -> None:
    a, b, c = Node("a", 80, 10), Node("b", 80, 2), Node("c", 80, 2)
    assert "".join(node.host for node in _turns((a, b, c))) == "aabacaa"


@pytest.mark.parametrize(
    "arguments",
    [
        ["caddy", "--nodes", TWO, "--accept-proxy"],
        ["caddy", "--nodes", TWO, "--send-proxy"],
        ["caddy", "--nodes", "a=2,b", "--algorithm", "ip_hash"],
        ["nginx", "--nodes", TWO, "--send-proxy"],
        ["nginx", "--nodes", TWO, "--check-port", "9000"],
        ["nginx", "--nodes", TWO, "--check", "/hello"],
        ["haproxy", "--nodes", TWO, "--check", "/x\n    bind :1"],
        ["haproxy", "--url", NOBODY],
    ],
)
def test_what_a_program_cannot_do_is_said(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, ["lb", *arguments])
    assert result.exit_code == 1
    assert result.output.startswith("--")
    assert result.output.count("\n") == 1 or "bind" in result.output


def test_the_wishes_are_written() -> None:
    wishes = ["--nodes", TWO, "--listen", "81", "--check", "/hello", "--check-port", "9696", "--accept-proxy"]
    text = CliRunner().invoke(main, ["lb", "haproxy", *wishes]).output
    for line in ("bind :81 accept-proxy", "httpchk GET /hello", "port 9696", "10.0.0.1:8080", "10.0.0.2:8080"):
        assert line in text
