"""The chart's values: each is told in the README, refused where it is of a wrong type, and does what it says."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from actorkit_kit.render import folder, helm
from tests import needs
from tests.kit.plans import plan_of
from tests.kit.render.chart_docs import CHART, README, described, rendered, values
from tests.kit.render.test_helm import of_kind, run, template

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
TOPOLOGY = """\
name: ways
actors:
  web:
    uses: http-server
    params: {routes: [{path: /<queue>, methods: [POST]}]}
    expose: {http: {port: 8080, host: shop.example, tls: shop-tls}}
  quick:
    uses: http-server
    params: {timeout_s: 10, routes: [{path: /<queue>, methods: [POST]}]}
    expose: {http: {port: 8081, host: shop.example, path: /quick, gateway: infra/public}}
  gen: {uses: generator}
  kept: {uses: file-logger, params: {file: x.log}}
  work: {uses: pass-through}
connections: [web -> work -> web, quick -> work -> quick, gen -> work, work.copy -> kept]
clear: true
"""


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("chart")
    folder.write(helm.render(plan_of(TOPOLOGY, where)), where, helm.PRIVATE)
    return where


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from leaves(below, (*path, key))
    else:
        yield path


def replaced(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(values())
    here = changed
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    return changed


def refuses(document: dict[str, Any]) -> bool:
    return bool(list(jsonschema.Draft7Validator(SCHEMA).iter_errors(document)))


def test_the_readme_has_every_value() -> None:
    assert README.read_text() == rendered(README.read_text()), "python -m tests.kit.render.chart_docs"
    told = {path for path, _ in described()}
    for leaf in leaves(values()):
        assert any(".".join(leaf[: n + 1]) in told for n in range(len(leaf))), leaf


def test_the_defaults_are_good() -> None:
    assert not refuses(values())


#: Kubernetes' own objects, which its API server knows better.
FREE = ("podSecurityContext", "securityContext")


@pytest.mark.parametrize("leaf", [leaf for leaf in leaves(values()) if not set(leaf) & set(FREE)], ids=".".join)
def test_a_value_of_a_wrong_type_is_refused(leaf: tuple[str, ...]) -> None:
    assert refuses(replaced(leaf, [[]]))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("defaults.resources.limits.memory", "lots"),
        ("defaults.tmpSize", "64 MB"),
        ("defaults.dnsPolicy", "Any"),
        ("defaults.podAntiAffinityPreset", "medium"),
        ("defaults.initContainers", [{"image": "x"}]),
        ("storage.size", "big"),
        ("storage.accessMode", "ReadOnlyMany"),
        ("storage.whenDeleted", "Keep"),
        ("podDisruptionBudget.maxUnavailable", "many"),
        ("monitoring.kind", "Annotations"),
        ("autoscaling.trigger", "cron"),
    ],
)
def test_a_value_that_kubernetes_would_not_take_is_refused(path: str, value: Any) -> None:
    assert refuses(replaced(tuple(path.split(".")), value))


def test_a_port_has_an_ingress_or_a_route_and_not_both(chart: Path) -> None:
    way = "actors.web.ports.http.route"
    both = f'{way}={{"host": "shop.example", "path": "/", "gateway": {{"name": "g"}}}}'
    assert run(needs.tool("helm"), "template", "shop", str(chart), "--set-json", both).returncode != 0


def test_a_host_leads_to_a_port_by_an_ingress_that_waits_as_long_as_the_actor(chart: Path) -> None:
    (ingress,) = of_kind(template(chart, "--set", "ingress.className=nginx"), "Ingress").values()
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["tls"] == [{"hosts": ["shop.example"], "secretName": "shop-tls"}]
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    assert path["backend"]["service"] == {"name": "shop-web-http", "port": {"number": 8080}}
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-read-timeout"] == "35"


def test_a_gateway_leads_to_a_port_by_a_route_that_waits_as_long_as_the_actor(chart: Path) -> None:
    (route,) = of_kind(template(chart), "HTTPRoute").values()
    assert route["spec"]["parentRefs"] == [{"name": "public", "namespace": "infra"}]
    (rule,) = route["spec"]["rules"]
    assert rule["timeouts"] == {"request": "15s"}
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/quick"}}]


def test_options_of_pods_arrive_in_the_pod(chart: Path) -> None:
    options = {
        "runtimeClassName": "gvisor",
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["10.0.0.10"]},
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["db"]}],
        "initContainers": [{"name": "first", "image": "x"}],
        "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
        "podAntiAffinityPreset": "hard",
        "livenessProbe": {"enabled": False},
        "strategy": {"type": "Recreate"},
        "serviceAccountAnnotations": {"role": "work"},
    }
    manifests = template(chart, "--set-json", f"actors.work={json.dumps(options)}")
    workload = of_kind(manifests, "Deployment")["shop-work"]["spec"]
    pod = workload["template"]["spec"]
    (container,) = pod["containers"]
    assert workload["strategy"] == {"type": "Recreate"}
    for key in ("runtimeClassName", "dnsPolicy", "dnsConfig", "hostAliases", "initContainers"):
        assert pod[key] == options[key]
    assert container["lifecycle"] == options["lifecycle"]
    assert "livenessProbe" not in container
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["resources"]["limits"]["ephemeral-storage"] == "256Mi"
    assert "requiredDuringSchedulingIgnoredDuringExecution" in pod["affinity"]["podAntiAffinity"]
    assert pod["topologySpreadConstraints"][0]["matchLabelKeys"] == ["pod-template-hash"]
    assert pod["serviceAccountName"] == "shop-work"
    assert of_kind(manifests, "ServiceAccount")["shop-work"]["metadata"]["annotations"] == {"role": "work"}


def test_claims_are_as_the_values_say_and_each_service_that_is_named_is_there(chart: Path) -> None:
    given = ["storage.className=fast", "storage.whenDeleted=Delete", "actors.kept.keeps.folder.size=5Gi"]
    manifests = template(chart, *(part for one in given for part in ("--set", one)))
    kept = of_kind(manifests, "StatefulSet")["shop-kept"]["spec"]
    (claim,) = kept["volumeClaimTemplates"]
    assert claim["spec"]["storageClassName"] == "fast"
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "5Gi"
    assert kept["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Delete", "whenScaled": "Retain"}
    services = of_kind(manifests, "Service")
    assert {one["spec"]["serviceName"] for one in of_kind(manifests, "StatefulSet").values()} <= set(services)


def test_a_service_monitor_takes_the_place_of_the_pod_monitor(chart: Path) -> None:
    known = ["--api-versions", "monitoring.coreos.com/v1/PodMonitor", "--set", "monitoring.kind=ServiceMonitor"]
    manifests = template(chart, *known)
    assert len(of_kind(manifests, "ServiceMonitor")) == 1
    assert not of_kind(manifests, "PodMonitor")
    assert "shop-gen" in of_kind(manifests, "Service")


def test_by_default_names_are_asked_for_in_the_cluster_and_only_prometheus_scrapes(chart: Path) -> None:
    policies = of_kind(template(chart), "NetworkPolicy")
    (dns,) = policies["shop"]["spec"]["egress"]
    assert dns["to"][0]["podSelector"]["matchLabels"] == {"k8s-app": "kube-dns"}
    admin = policies["shop-work"]["spec"]["ingress"][0]
    assert admin["from"][0]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "prometheus"}
