"""deploy/compose and deploy/docker: valid by their schema, and right about the gateway and about Redis."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from dockerfile_parse import DockerfileParser
from tests.balancers import lb
from tests.gateway import until
from tests.servers import free_ports, running_redis

from sluicegate import __version__
from sluicegate.cli.check import examine
from sluicegate.settings.load import load_settings

ROOT = Path(__file__).parents[2]
COMPOSE = sorted([*ROOT.glob("deploy/compose/*/compose.yaml"), *ROOT.glob("examples/*/compose.yaml")])
CLUSTER = ROOT / "deploy/compose/cluster"
DOCKERFILE = ROOT / "deploy/docker/Dockerfile"
IMAGE = f"sluicegate:{'.'.join(__version__.split('.')[:2])}"

all_files = pytest.mark.parametrize("file", COMPOSE, ids=lambda file: file.parent.name)


def services(file: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text())["services"]
    return found


def gateways(file: Path) -> dict[str, dict[str, Any]]:
    return {name: one for name, one in services(file).items() if one["image"].startswith("sluicegate:")}


def test_the_schema_is_kept() -> None:
    """By one process for all files, since it takes its time to start; it names the file that is wrong."""
    line = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", *map(str, COMPOSE)]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@all_files
def test_the_gateways_settings_are_known(file: Path) -> None:
    assert len(gateways(file)) >= 2
    for name, service in gateways(file).items():
        assert service["image"] == IMAGE
        environ = {key: "x" if "$" in value else value for key, value in service["environment"].items()}
        loaded = load_settings(None, environ)
        assert loaded.settings.storage.type == "redis", name
        assert loaded.settings.cluster.enabled
        assert not [warning for warning in loaded.warnings if "no setting has this name" in warning]
        seconds = loaded.settings.graceful_shutdown_delay_seconds + loaded.settings.graceful_shutdown_timeout_duration
        assert int(service["stop_grace_period"].removesuffix("s")) > seconds + 5


@all_files
def test_everything_that_is_mounted_is_there(file: Path) -> None:
    for service in services(file).values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (file.parent / source).exists(), volume


@all_files
def test_nothing_secret_is_written_down(file: Path) -> None:
    for service in services(file).values():
        for key, value in service.get("environment", {}).items():
            assert not key.endswith(("PASSWORD", "SECRET")) or value.startswith("${"), key


@pytest.mark.parametrize("folder", [one.parent for one in COMPOSE if one.is_relative_to(ROOT / "deploy")])
def test_the_definitions_load(folder: Path, tmp_path: Path) -> None:
    report = examine(None, {"TYK_GW_APPPATH": str(folder / "apps"), "TYK_GW_SECRET": "x", "HOME": str(tmp_path)})
    assert (report.apis, report.errors) == (1, [])


def test_nginx_is_configured_as_lb_prints() -> None:
    nodes = ",".join(f"http://{name}:8080" for name in gateways(CLUSTER / "compose.yaml"))
    assert (CLUSTER / "nginx.conf").read_text() == lb("nginx", "--nodes", nodes)


def test_six_servers_become_one_cluster(tmp_path: Path) -> None:
    """With the options of the Compose file, and the script that it runs; a second run changes nothing."""
    found = services(CLUSTER / "compose.yaml")
    servers = [one for one in found.values() if "redis-server" in one.get("command", ())]
    assert len(servers) == 6
    options = [word.replace("${REDIS_PASSWORD:?say it in .env}", "pw") for word in servers[0]["command"][1:]]
    with ExitStack() as stack:
        ports = free_ports(12)
        pairs = list(zip(ports[::2], ports[1::2], strict=True))
        for port, bus in pairs:
            (folder := tmp_path / str(port)).mkdir()
            stack.enter_context(running_redis(folder, *options, "--cluster-port", str(bus), port=port))
        line = ["sh", str(CLUSTER / "make-cluster.sh"), *(f"127.0.0.1:{port}@{bus}" for port, bus in pairs)]
        environ = os.environ | {"REDISCLI_AUTH": "pw"}
        for _ in range(2):
            subprocess.run(line, check=True, capture_output=True, env=environ)
        ask = ["redis-cli", "-p", str(ports[0]), "-a", "pw", "--no-auth-warning", "cluster", "nodes"]

        def roles() -> tuple[int, int]:
            lines = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.splitlines()
            return sum("master" in one for one in lines), sum("slave" in one for one in lines)

        until(lambda: roles() == (3, 3), "three masters, each with a replica")


def test_the_image_runs_as_nobody_in_particular_and_is_checked() -> None:
    parser = DockerfileParser(fileobj=DOCKERFILE.open("rb"))
    stages = [one for one in parser.structure if one["instruction"] == "FROM"]
    assert len(stages) == 2 and len(set(parser.parent_images)) == 1
    last = {one["instruction"]: one["value"] for one in parser.structure}
    assert last["USER"].split(":")[0] not in ("0", "root")
    assert last["HEALTHCHECK"].endswith('CMD ["sluicegate", "hello"]')
    assert (last["ENTRYPOINT"], last["CMD"]) == ('["sluicegate"]', '["start"]')
    assert "gcc" not in parser.content and "--only-binary" in parser.content
    for one in parser.structure:
        if one["instruction"] == "COPY":
            *sources, _ = one["value"].split()
            ignored = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().splitlines()
            for source in sources:
                assert (ROOT / source).exists()
                assert f"!{source}" in ignored
