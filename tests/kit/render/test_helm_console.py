"""What the chart makes of the console: nothing at first; a pod that may do little, and that nobody may reach."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from actorkit_kit.render import folder, helm
from tests import needs
from tests.kit.render.goldens import rendered
from tests.kit.render.test_helm import RESTRICTED_CAPABILITIES, of_kind, run, template, workloads

NAME = "shop-0-console"


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("chart")
    folder.write(rendered("helm"), where, helm.PRIVATE)
    return where


@pytest.fixture(scope="module")
def manifests(chart: Path) -> list[dict[str, Any]]:
    return template(chart, "--set", "console.enabled=true", "--set", "actors.execute.replicas=7")


def test_without_the_value_there_is_none(chart: Path) -> None:
    assert NAME not in {document["metadata"]["name"] for document in template(chart)}


def test_it_is_linted(chart: Path) -> None:
    done = run(needs.tool("helm"), "lint", "--strict", str(chart), "--set", "console.enabled=true")
    assert done.returncode == 0, done.stdout


def test_its_pod_is_restricted_and_has_no_account(manifests: list[dict[str, Any]]) -> None:
    pod = workloads(manifests)[NAME]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    security = container["securityContext"]
    assert security["capabilities"] == RESTRICTED_CAPABILITIES
    assert (security["allowPrivilegeEscalation"], security["readOnlyRootFilesystem"]) == (False, True)
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"] is False


def test_its_plan_names_services_and_how_many_pods_there_are(manifests: list[dict[str, Any]]) -> None:
    plan = json.loads(of_kind(manifests, "ConfigMap")[NAME]["data"]["plan.json"])
    assert plan["deployment"] == "shop"
    found = {actor["name"]: (actor["admin"], actor["replicas"]) for actor in plan["actors"]}
    assert found["execute"] == (["shop-execute:9600"], 7)
    services = of_kind(manifests, "Service")
    assert {admin[0].partition(":")[0] for admin, _ in found.values()} <= services.keys()


def test_it_reaches_admin_ports_and_nobody_reaches_its_page(manifests: list[dict[str, Any]]) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    (out,) = policies[NAME]["spec"]["egress"]
    assert out["ports"] == [{"port": "admin", "protocol": "TCP"}]
    (come,) = policies[NAME]["spec"]["ingress"]
    assert come["ports"] == [{"port": "admin", "protocol": "TCP"}]
    selector = policies[NAME]["spec"]["podSelector"]
    for name in ("shop-web", "shop-dead-letters"):
        (admin,) = [rule for rule in policies[name]["spec"]["ingress"] if rule["ports"][0]["port"] == "admin"]
        assert {"podSelector": selector} in admin["from"]
