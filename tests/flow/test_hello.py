"""`sluicegate hello`: the health check of containers finds the node that its settings describe."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.gateway import Gateway
from tests.servers import free_port
from tests.wire import Wire


def hello(gateway: Gateway, *options: str) -> subprocess.CompletedProcess[str]:
    line = [str(Path(sys.executable).with_name("sluicegate")), "hello", "--conf", str(gateway.conf_file), *options]
    return subprocess.run(line, capture_output=True, text=True, env=gateway.environ, cwd=gateway.folder)


class Ready(Gateway):
    """Its readiness is asked for by the command itself."""

    def is_ready(self) -> bool:
        return hello(self, "--ready").returncode == 0

    def raw(self, **_: Any) -> Wire:
        raise AssertionError("not needed")


def conf_of(kind: str, folder: Path) -> dict[str, Any]:
    if kind == "control port":
        return {"control_api_port": free_port(), "listen_address": ""}
    if kind == "other names":
        return {"health_check_endpoint_name": "alive", "readiness_check_endpoint_name": "/set"}
    if kind == "PROXY protocol":
        return {"sluicegate": {"proxy_protocol": True}}
    made = trustme.CA().issue_cert("gateway.test")
    made.private_key_pem.write_to_path(folder / "key.pem")
    made.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    pair = {"domain_name": "*", "cert_file": str(folder / "cert.pem"), "key_file": str(folder / "key.pem")}
    return {"http_server_options": {"use_ssl": True, "certificates": [pair]}}


@pytest.mark.parametrize("kind", ["control port", "other names", "PROXY protocol", "TLS"])
def test_a_node_is_found(tmp_path: Path, kind: str) -> None:
    gateway = Ready(tmp_path, conf=conf_of(kind, tmp_path))
    assert hello(gateway).returncode == 1, "nobody is there yet"
    with gateway:
        said = hello(gateway)
        assert said.returncode == 0
        assert json.loads(said.stdout)["status"] == "pass"
    gone = hello(gateway)
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr.startswith("no answer: ")


def test_settings_that_cannot_be_read(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.conf_file.write_text("{")
    said = hello(gateway)
    assert said.returncode == 1
    assert "tyk.conf" in said.stderr
