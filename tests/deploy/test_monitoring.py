"""deploy/prometheus and deploy/grafana: they ask for metrics that there are, in PromQL that is right."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.gateway import Gateway

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"
GRAFANA = ROOT / "deploy/grafana"
DASHBOARD = json.loads((GRAFANA / "dashboards/sluicegate.json").read_text())
VARIABLES = {"$node": ".*", "$__rate_interval": "1m", "$__range": "1h"}

with_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool")


def of_dashboard() -> Iterator[str]:
    """Yield the expressions of all panels."""
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


def of_alerts() -> Iterator[str]:
    for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


def documented() -> set[str]:
    return set(re.findall(r"^\| `(sluicegate_\w+)` \| (?:counter|gauge)", _reference(), re.MULTILINE))


def histograms() -> set[str]:
    return set(re.findall(r"^\| `(sluicegate_\w+)` \| histogram", _reference(), re.MULTILINE))


def _reference() -> str:
    return (ROOT / "docs/reference/metrics.md").read_text()


def test_every_metric_that_is_named_exists() -> None:
    known = documented() | {f"{name}_{part}" for name in histograms() for part in ("bucket", "sum", "count")}
    for expression in (*of_dashboard(), *of_alerts()):
        for name in re.findall(r"\bsluicegate_\w+", expression):
            assert name in known, expression


def test_every_metric_has_a_panel() -> None:
    shown = " ".join(of_dashboard())
    assert {name for name in documented() | histograms() if name not in shown} == set()


def test_the_dashboard_is_whole() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places)
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(panels)))
    assert used - {"__rate_interval"} <= variables
    source = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yaml").read_text())["datasources"][0]
    assert source["type"] == "prometheus"


def test_the_metrics_of_a_node_are_those_that_are_documented(tmp_path: Path) -> None:
    """On the page of a running node."""
    with Gateway(tmp_path) as gateway:
        status, page = gateway.admin("GET", "/metrics")
    assert status == 200
    there = set(re.findall(r"^# TYPE (sluicegate_\w+)", page, re.MULTILINE))
    assert there == documented() | histograms()


@with_promtool
def test_prometheus_takes_its_configuration() -> None:
    done = subprocess.run(
        ["promtool", "check", "config", str(PROMETHEUS / "prometheus.yml")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@with_promtool
def test_the_dashboards_expressions_are_promql(tmp_path: Path) -> None:
    rules: list[dict[str, Any]] = []
    for number, expression in enumerate(of_dashboard()):
        for name, value in VARIABLES.items():
            expression = expression.replace(name, value)
        rules.append({"record": f"panel:{number}", "expr": expression})
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_prometheus_asks_the_nodes_of_the_compose_file() -> None:
    jobs = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    targets = jobs[0]["static_configs"][0]["targets"]
    services = yaml.safe_load((ROOT / "deploy/compose/cluster/compose.yaml").read_text())["services"]
    nodes = {name: one for name, one in services.items() if one["image"].startswith("sluicegate:")}
    assert targets == [f"{name}:{one['environment']['TYK_GW_CONTROLAPIPORT']}" for name, one in nodes.items()]
