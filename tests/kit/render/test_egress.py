"""What targets write of a way out: a network on compose, rules of a NetworkPolicy on Kubernetes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from actorkit_kit.plan.model import Plan
from actorkit_kit.render import compose, folder, helm
from tests import needs
from tests.kit.plans import plan_of
from tests.kit.render.test_helm import of_kind, run, template

TOPOLOGY = """\
name: out
actors:
  web: {uses: http-server, params: {routes: [{path: "/<queue>", methods: [POST]}]}, expose: {http: 8080}, egress: true}
  named: {uses: "null", egress: ["db.example:5432", "10.20.0.0/16:5432", "[2001:db8::/32]:443", "*:443"]}
  shut: {uses: "null"}
connections: [web -> named, web -> shut]
clear: true
"""
PORT_443 = [{"port": 443, "protocol": "TCP"}]
PORT_5432 = [{"port": 5432, "protocol": "TCP"}]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(TOPOLOGY, tmp_path)


def rules(chart: Path, actor: str, *arguments: str) -> list[dict[str, Any]]:
    """The rules of an actor for what goes out, but for those that lead to its peers."""
    policy = of_kind(template(chart, *arguments), "NetworkPolicy")[f"shop-{actor}"]
    found: list[dict[str, Any]] = policy["spec"].get("egress", [])
    return [rule for rule in found if not any("podSelector" in to for to in rule.get("to", ()))]


def test_on_compose_only_who_has_egress_is_in_the_network_that_leads_out(plan: Plan) -> None:
    document = YAML(typ="safe").load(str(compose.render(plan)["compose.yaml"]))
    networks = {name: service["networks"] for name, service in document["services"].items()}
    assert networks["web"] == ["data", "edge", "egress"]
    assert networks["named"] == ["data", "egress"]
    assert networks["shut"] == ["data"]
    assert not document["networks"]["egress"].get("internal")
    assert document["networks"]["data"]["internal"]


def test_a_topology_without_egress_has_no_such_network(tmp_path: Path) -> None:
    lines = [line for line in TOPOLOGY.replace(", egress: true", "").splitlines() if "named:" not in line]
    plan = plan_of("\n".join(lines).replace("web -> named, ", ""), tmp_path)
    assert "egress" not in str(compose.render(plan)["compose.yaml"])


def test_on_kubernetes_blocks_are_filtered_and_a_name_opens_its_port(plan: Plan, tmp_path: Path) -> None:
    chart = tmp_path / "chart"
    folder.write(helm.render(plan), chart, helm.PRIVATE)
    assert rules(chart, "shut") == []
    assert rules(chart, "web") == [{}]
    assert rules(chart, "named") == [
        {"ports": PORT_5432},
        {"ports": PORT_5432, "to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}]},
        {"ports": PORT_443, "to": [{"ipBlock": {"cidr": "2001:db8::/32"}}]},
        {"ports": PORT_443},
    ]


def test_the_owner_of_a_cluster_says_where_names_may_be(plan: Plan, tmp_path: Path) -> None:
    chart = tmp_path / "chart"
    folder.write(helm.render(plan), chart, helm.PRIVATE)
    narrow = ("--set", "networkPolicy.egressTo[0].ipBlock.cidr=192.0.2.0/24")
    to = [{"ipBlock": {"cidr": "192.0.2.0/24"}}]
    assert rules(chart, "web", *narrow) == [{"to": to}]
    assert rules(chart, "named", *narrow)[0] == {"ports": PORT_5432, "to": to}
    assert rules(chart, "named", *narrow)[1]["to"] == [{"ipBlock": {"cidr": "10.20.0.0/16"}}]


def test_outside_judges_take_what_egress_becomes(plan: Plan, tmp_path: Path) -> None:
    chart = tmp_path / "chart"
    folder.write(helm.render(plan), chart, helm.PRIVATE)
    done = run(needs.tool("helm"), "lint", "--strict", str(chart))
    assert done.returncode == 0, done.stdout + done.stderr
    done = run(needs.tool("helm"), "template", "shop", str(chart), "--kube-version", "1.37.0")
    (tmp_path / "manifests.yaml").write_text(done.stdout)
    judged = run(needs.tool("kubernetes-validate"), "--strict", "-k", "1.37", str(tmp_path / "manifests.yaml"))
    assert judged.returncode == 0, judged.stdout + judged.stderr
