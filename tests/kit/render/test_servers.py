"""What stands beside the graph, as the targets write it: the judges' verdict, and the volume of durable requests."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from actorkit_kit.local.processes import Local, socket_folder
from actorkit_kit.plan.model import Plan
from actorkit_kit.render import compose, folder, helm
from tests import needs
from tests.kit.plans import ORDERS, plan_of

#: Where the requests are, inside a container.
DATA = "/var/lib/actorkit/data"

TOPOLOGY = ORDERS.replace("connections:", "  west: {uses: mdp-broker}\nconnections:")
TOPOLOGY += "registration: {expose: {mdp: 6000}}\ntitanic: {}\n"


@pytest.fixture
def plan(shop: Path) -> Plan:
    return plan_of(TOPOLOGY, shop)


def run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def manifests(chart: Path, *arguments: str) -> dict[tuple[str, str], dict[str, Any]]:
    done = run(needs.tool("helm"), "template", "shop", str(chart), *arguments)
    assert done.returncode == 0, done.stderr
    found = [document for document in YAML(typ="safe").load_all(done.stdout) if document]
    return {(document["kind"], document["metadata"]["name"]): document for document in found}


def test_docker_compose_takes_the_file_without_a_word(plan: Plan, tmp_path: Path) -> None:
    folder.write(compose.render(plan), tmp_path / "out", compose.PRIVATE)
    done = run(needs.tool("docker"), "compose", "config", "--quiet", cwd=tmp_path / "out")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_who_keeps_something_has_a_volume_of_its_own_in_compose(plan: Plan) -> None:
    document = YAML(typ="safe").load(str(compose.render(plan)["compose.yaml"]))
    mounts = {
        name: [volume for volume in service.get("volumes", ()) if volume["source"] == "titanic-folder"]
        for name, service in document["services"].items()
    }
    assert mounts.pop("titanic") == [{"source": "titanic-folder", "target": DATA, "type": "volume"}]
    assert not any(mounts.values())
    assert set(document["volumes"]) == {"prometheus", "titanic-folder"}
    registration = document["services"]["registration"]
    assert registration["ports"][0]["target"] == 5550
    assert document["services"]["west"]["depends_on"] == {"registration": {"condition": "service_healthy"}}
    depends = document["services"]["titanic"]["depends_on"]
    assert {name for name, how in depends.items() if how.get("restart")} == {"broker", "west"}


@pytest.mark.parametrize("command", ["helm3", "helm4"])
def test_helm_lints_the_chart_strictly(command: str, plan: Plan, tmp_path: Path) -> None:
    folder.write(helm.render(plan), tmp_path / "chart", helm.PRIVATE)
    done = run(needs.tool(command), "lint", "--strict", str(tmp_path / "chart"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout


@pytest.mark.parametrize("kubernetes", ["1.29", "1.37"])
def test_the_oldest_and_the_newest_kubernetes_take_the_manifests(kubernetes: str, plan: Plan, tmp_path: Path) -> None:
    folder.write(helm.render(plan), tmp_path / "chart", helm.PRIVATE)
    done = run(needs.tool("helm"), "template", "shop", str(tmp_path / "chart"), "--kube-version", f"{kubernetes}.0")
    assert done.returncode == 0, done.stderr
    (tmp_path / "manifests.yaml").write_text(done.stdout)
    judged = run(needs.tool("kubernetes-validate"), "--strict", "-k", kubernetes, str(tmp_path / "manifests.yaml"))
    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_on_kubernetes_what_stands_beside_the_graph_is_stateful_and_titanic_claims_a_volume(
    plan: Plan, tmp_path: Path
) -> None:
    folder.write(helm.render(plan), tmp_path / "chart", helm.PRIVATE)
    found = manifests(tmp_path / "chart")
    beside = {name for kind, name in found if kind == "StatefulSet"}
    assert beside == {f"shop-{name}" for name in ("broker", "registration", "titanic", "west")}
    assert not beside & {name for kind, name in found if kind == "Deployment"}
    claims = {name: found["StatefulSet", name]["spec"].get("volumeClaimTemplates", []) for name in beside}
    (claim,) = claims.pop("shop-titanic")
    assert not any(claims.values())
    assert claim["spec"]["resources"]["requests"]["storage"] == "1Gi"
    (container,) = found["StatefulSet", "shop-titanic"]["spec"]["template"]["spec"]["containers"]
    assert {"name": claim["metadata"]["name"], "mountPath": DATA} in container["volumeMounts"]
    rule = found["NetworkPolicy", "shop-west"]["spec"]["egress"][0]
    assert rule["to"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "registration"


def test_on_kubernetes_a_registration_service_has_an_address_that_stays_and_brokers_have_one_each(
    plan: Plan, tmp_path: Path
) -> None:
    folder.write(helm.render(plan), tmp_path / "chart", helm.PRIVATE)
    found = manifests(tmp_path / "chart")
    own = {name: document["spec"].get("clusterIP") for (kind, name), document in found.items() if kind == "Service"}
    assert (own["shop-registration"], own["shop-broker"], own["shop-west"]) == (None, "None", "None")


def test_a_claim_of_ones_own_takes_the_place_of_the_charts(plan: Plan, tmp_path: Path) -> None:
    folder.write(helm.render(plan), tmp_path / "chart", helm.PRIVATE)
    found = manifests(tmp_path / "chart", "--set", "actors.titanic.keeps.folder.existingClaim=mine")
    spec = found["StatefulSet", "shop-titanic"]["spec"]
    assert "volumeClaimTemplates" not in spec
    claimed = [volume for volume in spec["template"]["spec"]["volumes"] if "persistentVolumeClaim" in volume]
    assert claimed == [{"name": "keeps-folder", "persistentVolumeClaim": {"claimName": "mine"}}]


def test_on_a_cluster_without_storage_what_is_kept_can_end_with_its_pod(plan: Plan, tmp_path: Path) -> None:
    folder.write(helm.render(plan), tmp_path / "chart", helm.PRIVATE)
    found = manifests(tmp_path / "chart", "--set", "storage.ephemeral=true", "--set", "storage.size=2Gi")
    spec = found["StatefulSet", "shop-titanic"]["spec"]
    assert "volumeClaimTemplates" not in spec
    assert {"name": "keeps-folder", "emptyDir": {"sizeLimit": "2Gi"}} in spec["template"]["spec"]["volumes"]


def test_on_this_machine_brokers_meet_at_one_address_and_requests_are_kept_beside_the_topology(
    plan: Plan, tmp_path: Path
) -> None:
    with socket_folder(plan) as sockets:
        processes = Local(plan, sockets, tmp_path / "t-local" / "dead-letters").processes()
    variables = {process.unit.name: process.environ for process in processes}
    for name in ("place", "worker", "titanic", "broker", "west"):
        assert variables[name]["ACTORKIT_BROKERS"] == "registry+tcp://127.0.0.1:6000"
    assert variables["registration"]["ACTORKIT_INBOX"] == "tcp://127.0.0.1:6000"
    assert f'{{"folder":"{tmp_path}/t-local/titanic-folder"}}' == variables["titanic"]["ACTORKIT_PARAMS"]


def test_a_public_broker_on_this_machine_is_announced_where_it_is_reached(shop: Path) -> None:
    port = "expose: {mdp: {port: 7551, public: true}}"
    plan = plan_of(TOPOLOGY.replace("broker: {replicas: 2}", f"broker: {{{port}}}"), shop)
    with socket_folder(plan) as sockets:
        (broker,) = (each for each in Local(plan, sockets).processes() if each.unit.name == "broker")
    assert broker.environ["ACTORKIT_INBOX"] == "tcp://*:7551"
    assert '"advertise":"tcp://127.0.0.1:7551"' in broker.environ["ACTORKIT_PARAMS"]
