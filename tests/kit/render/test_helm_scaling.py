"""What the chart makes of `scale`: autoscalers, the tally that they ask, and who may reach whom."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from actorkit_kit.render import folder, helm
from tests import needs
from tests.kit.plans import plan_of
from tests.kit.render.test_helm import of_kind, run, template, workloads

RULES = "monitoring.coreos.com/v1/PrometheusRule"
TOPOLOGY = """\
name: flow
actors:
  gen: {uses: generator}
  ask: {uses: mdp-client, params: {service: "a.b"}}
  work: {uses: pass-through, scale: {min: 0, max: 5, waiting: 10}}
  worker: {uses: mdp-worker, params: {service: "a.b"}, scale: {max: 3, waiting: 2}}
  load: {uses: pass-through, scale: {min: 2, max: 3, cpu: 70}}
  out: {uses: stdout}
connections: [gen -> work -> out, gen -> ask -> out, gen -> load -> out, worker -> work -> worker]
clear: true
"""


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("chart")
    folder.write(helm.render(plan_of(TOPOLOGY, where)), where, helm.PRIVATE)
    return where


def tallied(manifests: list[dict[str, Any]]) -> Any:
    (container,) = workloads(manifests)["shop-0-tally"]["spec"]["template"]["spec"]["containers"]
    return json.loads(next(one["value"] for one in container["env"] if one["name"] == "ACTORKIT_PARAMS"))


def test_keda_keeps_the_pods_at_the_work_that_the_tally_tells(chart: Path) -> None:
    scaled = of_kind(template(chart), "ScaledObject")
    assert set(scaled) == {"shop-work", "shop-worker"}
    spec = scaled["shop-work"]["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (0, 5)
    assert spec["scaleTargetRef"] == {"name": "shop-work"}
    metadata = {"url": "http://shop-0-tally.default:9600/scale", "valueLocation": "work", "targetValue": "10"}
    assert spec["triggers"] == [{"type": "metrics-api", "metadata": metadata}]


def test_the_tally_asks_whoever_sends_and_the_brokers_for_the_services_of_workers(chart: Path) -> None:
    manifests = template(chart)
    assert tallied(manifests) == {
        "of": {
            "work": {"shop-gen:9600": ["work"], "shop-worker:9600": ["work"]},
            "worker": {"shop-broker:9600": ["a.b"], "shop-work:9600": ["worker"]},
        }
    }
    # A source has a Service for it, without an inbox.
    assert [port["name"] for port in of_kind(manifests, "Service")["shop-gen"]["spec"]["ports"]] == ["admin"]


def test_a_load_is_kept_by_an_autoscaler_of_kubernetes_itself(chart: Path) -> None:
    (one,) = of_kind(template(chart), "HorizontalPodAutoscaler").values()
    assert (one["spec"]["minReplicas"], one["spec"]["maxReplicas"]) == (2, 3)
    (metric,) = one["spec"]["metrics"]
    assert metric["containerResource"]["target"] == {"type": "AverageValue", "averageValue": "700m"}


def test_what_is_scaled_has_no_number_of_pods_unless_autoscaling_is_off(chart: Path) -> None:
    found = workloads(template(chart))
    assert {name for name, one in found.items() if "replicas" not in one["spec"]} == {
        "shop-work",
        "shop-worker",
        "shop-load",
    }
    without = template(chart, "--set", "autoscaling.enabled=false")
    assert all("replicas" in one["spec"] for one in workloads(without).values())
    assert not {one["kind"] for one in without} & {"ScaledObject", "HorizontalPodAutoscaler"}
    assert "shop-0-tally" not in workloads(without)


def test_prometheus_takes_the_place_of_the_tally(chart: Path) -> None:
    chosen = ["--set", "autoscaling.trigger=prometheus"]
    refused = run(needs.tool("helm"), "template", "shop", str(chart), *chosen)
    assert "autoscaling.prometheus.serverAddress is empty." in refused.stderr
    manifests = template(chart, *chosen, "--set", "autoscaling.prometheus.serverAddress=http://prometheus:9090")
    assert "shop-0-tally" not in workloads(manifests)
    (trigger,) = of_kind(manifests, "ScaledObject")["shop-worker"]["spec"]["triggers"]
    of = r'{topology="flow", namespace="default", actor="broker", service=~"a\\.b"}'
    assert trigger["metadata"]["query"] == (
        f"sum(actorkit_broker_queue_depth{of} + actorkit_broker_busy_workers{of})"
        ' + sum(actorkit_waiting{topology="flow", namespace="default", actor="work", destination="worker"})'
    )
    assert trigger["metadata"]["ignoreNullValues"] == "false"


def test_only_keda_reaches_the_tally_and_only_the_tally_reaches_admin_ports(chart: Path) -> None:
    policies = of_kind(
        template(chart, "--set-json", 'networkPolicy.metricsFrom=[{"ipBlock":{"cidr":"10.0.0.0/8"}}]'), "NetworkPolicy"
    )
    (rule,) = policies["shop-0-tally"]["spec"]["ingress"]
    assert {"podSelector": {"matchLabels": {"app": "keda-operator"}}, "namespaceSelector": {}} in rule["from"]
    reached = {
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        for rule in policies["shop-0-tally"]["spec"]["egress"]
        for peer in rule["to"]
    }
    assert reached == {"gen", "worker", "broker", "work"}
    for name in ("gen", "worker", "broker", "work", "out"):
        admitted = policies[f"shop-{name}"]["spec"]["ingress"][0]["from"]
        components = [one.get("podSelector", {}).get("matchLabels", {}) for one in admitted]
        assert any(one.get("app.kubernetes.io/component") == "0-tally" for one in components) == (name in reached)


def test_alerts_count_the_pods_against_the_values_and_leave_out_what_may_be_absent(chart: Path) -> None:
    values = ["--set", "actors.out.replicas=4", "--api-versions", RULES]
    (rule,) = of_kind(template(chart, *values), "PrometheusRule").values()
    rules = rule["spec"]["groups"][0]["rules"]
    missing = {one["labels"]["actor"]: one["expr"] for one in rules if one["alert"] == "ActorkitInstancesMissing"}
    least = {name: int(expr.rpartition("< ")[2]) for name, expr in missing.items()}
    assert least == {"gen": 1, "ask": 1, "work": 0, "worker": 1, "load": 2, "out": 4, "broker": 1}
    (no_peer,) = [one["expr"] for one in rules if one["alert"] == "ActorkitNoPeer"]
    here = 'topology="flow", namespace="default", release="shop"'
    assert f'actorkit_peers{{{here}, destination!~"work"}}' in no_peer
    assert all(expr.count(here) == expr.count("{") for expr in (one["expr"] for one in rules))
    assert {(one["labels"]["namespace"], one["labels"]["release"]) for one in rules} == {("default", "shop")}
    assert "@" not in str(rules)
    assert not of_kind(template(chart, *values, "--set", "monitoring.alerts.enabled=false"), "PrometheusRule")
    assert not of_kind(template(chart), "PrometheusRule")


def test_the_dashboard_is_of_its_release_alone_and_there_where_an_operator_is(chart: Path) -> None:
    (found,) = (one for one in dashboards(chart, "--api-versions", RULES))
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    (text,) = found["data"].values()
    assert json.loads(text)["title"] == "actorkit: flow (default/shop)"
    assert "@" not in text
    elsewhere = dashboards(chart, "--api-versions", RULES, "--namespace", "other")[0]["data"]["other-shop.json"]
    assert json.loads(elsewhere)["uid"] != json.loads(text)["uid"]
    assert not dashboards(chart)
    assert not dashboards(chart, "--api-versions", RULES, "--set", "monitoring.dashboards.enabled=false")


def dashboards(chart: Path, *arguments: str) -> list[dict[str, Any]]:
    found = of_kind(template(chart, *arguments), "ConfigMap").values()
    return [one for one in found if one["metadata"]["labels"]["app.kubernetes.io/component"] == "0-dashboard"]
