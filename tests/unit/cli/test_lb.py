from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from sluicegate.cli import main
from sluicegate.cli.fronts.caddy import _turns
from sluicegate.cli.fronts.front import Node, choose_algorithm, read_nodes
from sluicegate.errors import ConfigError

NOBODY = "http://127.0.0.1:1"
USELESS = (["--ca", "/ca.pem"], ["--server-name", "a"], ["--no-verify"])
TWO = "http://10.0.0.1:8080,http://10.0.0.2:8080"


def test_nodes_are_read() -> None:
    assert read_nodes("http://a:8080=3, 10.0.0.2:81 ,http://[::1]:82/,b") == (
        Node("a", 8080, 3),
        Node("10.0.0.2", 81),
        Node("::1", 82),
        Node("b", 80),
    )
    assert read_nodes("https://a,https://b:8443=2") == (Node("a", 443, 1, True), Node("b", 8443, 2, True))
    assert [node.address for node in read_nodes("http://[::1]:82,b")] == ["[::1]:82", "b:80"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            ",",
            "ftp://a",
            "http://a/path",
            "http://u@a",
            "http://a?x",
            "http://a:x",
            "http://a:99999",
            "http://a:0",
            "http://",
        ),
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
        ["nginx", "--nodes", "https://a,https://b"],
        ["haproxy", "--nodes", "https://a,https://10.0.0.1"],
        ["caddy", "--nodes", "https://a,http://b"],
        ["caddy", "--nodes", "https://a", "--ca", "ca.pem"],
        ["caddy", "--nodes", "https://a", "--ca", "/ca.pem {"],
        ["caddy", "--nodes", "https://a", "--server-name", "a b"],
        *([program, "--nodes", TWO, *more] for program in ("nginx", "haproxy", "caddy") for more in USELESS),
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


@pytest.mark.parametrize(
    ("program", "lines"),
    [
        ("nginx", ["proxy_pass https://sluicegate;", "proxy_ssl_name n.test;", "proxy_ssl_verify on;", "certs/ca-"]),
        (
            "haproxy",
            ["ssl check-ssl verify required ca-file @system-ca", "sni str(n.test) check-sni n.test verifyhost"],
        ),
        ("caddy", ["\t\t\ttls\n\t\t\ttls_server_name n.test\n\t\t\tcompression"]),
    ],
)
def test_tls_is_verified_against_the_systems_authorities(program: str, lines: list[str]) -> None:
    options = ["--nodes", "https://10.0.0.1,https://10.0.0.2", "--server-name", "n.test"]
    text = CliRunner().invoke(main, ["lb", program, *options]).output
    assert [line for line in lines if line not in text] == []


@pytest.mark.parametrize("options", [[], ["--algorithm", "ip_hash"]], ids=["in turns", "ip_hash"])
@pytest.mark.parametrize("number", [1, 100, 1000])
def test_nginx_takes_any_number_of_nodes(tmp_path: Path, number: int, options: list[str]) -> None:
    nodes = ",".join(f"http://[fd00::{one:x}]:8080" for one in range(1, number + 1))
    text = CliRunner().invoke(main, ["lb", "nginx", "--listen", "8080", "--nodes", nodes, *options]).output
    (tmp_path / "nodes.conf").write_text(text)
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n    include {tmp_path}/nodes.conf;\n}}\n")
    tried = subprocess.run(["nginx", "-t", "-c", str(whole)], capture_output=True, text=True)
    assert tried.returncode == 0, tried.stderr


def test_each_node_has_the_name_of_its_host() -> None:
    text = CliRunner().invoke(main, ["lb", "haproxy", "--nodes", "https://a:1,https://b:1", "--ca", "/ca.pem"]).output
    assert "server node-1 a:1 sni str(a) check-sni a verifyhost a\n" in text
    assert "server node-2 b:1 sni str(b) check-sni b verifyhost b\n" in text
    assert "ca-file /ca.pem" in text
