"""deploy/kubernetes: every manifest keeps its schema, and they fit together and to the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from tests.servers import RedisServer

from sluicegate.cli.check import examine
from sluicegate.cli.fronts.front import READY
from sluicegate.settings.redis_url import read_redis_url

FOLDER = Path(__file__).parents[2] / "deploy/kubernetes"
FILES = [file for file in sorted(FOLDER.glob("*.yaml")) if file.name != "kustomization.yaml"]
DOCUMENTS: list[dict[str, Any]] = [one for file in FILES for one in yaml.safe_load_all(file.read_text())]


def the(kind: str, name: str = "sluicegate") -> dict[str, Any]:
    (found,) = (one for one in DOCUMENTS if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
@pytest.mark.parametrize("version", ["1.28", kubernetes_validate.latest_version()])
def test_the_schema_is_kept(document: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(document, version, strict=True)


def test_all_is_applied() -> None:
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == [file.name for file in FILES]
    kinds = {one["kind"] for one in DOCUMENTS}
    assert {"Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler", "ConfigMap", "Secret"} <= kinds


def test_they_fit_together() -> None:
    deployment = the("Deployment")["spec"]
    pod = deployment["template"]
    labels = pod["metadata"]["labels"]
    for selector in (
        deployment["selector"]["matchLabels"],
        the("Service")["spec"]["selector"],
        the("Service", "sluicegate-admin")["spec"]["selector"],
        the("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    (container,) = pod["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    for name in ("sluicegate", "sluicegate-admin"):
        assert all(port["targetPort"] in ports for port in the("Service", name)["spec"]["ports"])
    probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")]
    assert [probe["path"] for probe in probes] == [READY, READY, "/hello"]
    assert all(probe["port"] in ports for probe in probes)
    assert the("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"] == the("Deployment")["metadata"]["name"]
    for volume in pod["spec"]["volumes"]:
        if "configMap" in volume:
            the("ConfigMap", volume["configMap"]["name"])


def test_the_gateway_takes_its_settings(tmp_path: Path, redis_server: RedisServer) -> None:
    """The folder of definitions is laid out as Kubernetes mounts a ConfigMap: links to links."""
    conf = tmp_path / "tyk.conf"
    conf.write_text(the("ConfigMap")["data"]["tyk.conf"])
    (data := tmp_path / "apps/..2026_11_25").mkdir(parents=True)
    (tmp_path / "apps/..data").symlink_to(data.name)
    for name, text in the("ConfigMap", "sluicegate-apps")["data"].items():
        (data / name).write_text(text)
        (tmp_path / "apps" / name).symlink_to(f"..data/{name}")
    environ = dict(the("Secret")["stringData"])
    assert read_redis_url(environ["TYK_REDIS_URL"])["storage.host"] == "redis"
    environ |= {"TYK_REDIS_URL": f"redis://127.0.0.1:{redis_server.port}/0", "TYK_GW_APPPATH": str(tmp_path / "apps")}
    report = examine(conf, environ)
    assert (report.apis, report.errors, report.warnings) == (1, [], [])


def test_a_pod_has_time_to_drain() -> None:
    settings = yaml.safe_load(the("ConfigMap")["data"]["tyk.conf"])
    pod = the("Deployment")["spec"]["template"]["spec"]
    takes = settings["graceful_shutdown_delay_seconds"] + settings["graceful_shutdown_timeout_duration"]
    assert pod["terminationGracePeriodSeconds"] > takes + 5
    ports = {port["name"]: port["containerPort"] for port in pod["containers"][0]["ports"]}
    assert (settings["listen_port"], settings["control_api_port"]) == (ports["http"], ports["admin"])
