"""The helm target: the values, the judges' verdict, and what the manifests promise."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from actorkit_kit import assets
from actorkit_kit.render import folder, helm
from tests import needs
from tests.kit.render.goldens import GENERATED, GOLDEN, orders, rendered

#: What a cluster with Prometheus' operator says that it has.
PODMONITOR = "monitoring.coreos.com/v1/PodMonitor"
RESTRICTED_CAPABILITIES = {"drop": ["ALL"]}


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("chart")
    folder.write(rendered("helm"), where, helm.PRIVATE)
    return where


def template(chart: Path, *arguments: str) -> list[dict[str, Any]]:
    """The manifests that helm makes."""
    done = run(needs.tool("helm"), "template", "shop", str(chart), *arguments)
    assert done.returncode == 0, done.stderr
    return [document for document in YAML(typ="safe").load_all(done.stdout) if document]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def of_kind(manifests: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {document["metadata"]["name"]: document for document in manifests if document["kind"] == kind}


def workloads(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return of_kind(manifests, "Deployment") | of_kind(manifests, "StatefulSet")


def pods(manifests: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, workload in workloads(manifests).items():
        yield name, workload["spec"]["template"]["spec"]
    for name, pod in of_kind(manifests, "Pod").items():
        yield name, pod["spec"]


@pytest.mark.parametrize("name", GENERATED["helm"])
def test_the_orders_example_renders_to_the_golden_files(name: str) -> None:
    assert rendered("helm")[name] == (GOLDEN / "helm" / name).read_text()


def test_the_same_topology_renders_to_the_same_bytes_whatever_the_order_of_its_units() -> None:
    plan = orders()
    assert rendered("helm", replace(plan, units=plan.units[::-1])) == rendered("helm", plan)


def test_the_folder_is_the_chart_itself_with_other_values() -> None:
    ours = assets.asset("charts") / "actorkit"
    found = rendered("helm")
    for path in assets.files_under(ours):
        name = str(path.relative_to(ours))
        if name != "values.yaml" and not name.startswith("ci/"):
            assert found[name] == path.read_bytes()


@pytest.mark.parametrize("command", ["helm3", "helm4"])
@pytest.mark.parametrize("values", ["rendered", "ci", "none"])
def test_helm_lints_the_chart_strictly_without_a_complaint(command: str, values: str, chart: Path) -> None:
    ours = assets.asset("charts") / "actorkit"
    extra = ["--values", str(ours / "ci" / "minimal-values.yaml")] if values == "ci" else []
    done = run(needs.tool(command), "lint", "--strict", str(chart if values == "rendered" else ours), *extra)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout


@pytest.mark.parametrize("kubernetes", ["1.29", "1.37"])
@pytest.mark.parametrize("operator", [False, True])
def test_the_oldest_and_the_newest_kubernetes_take_the_manifests(
    kubernetes: str, operator: bool, chart: Path, tmp_path: Path
) -> None:
    arguments = ["--kube-version", f"{kubernetes}.0", *(["--api-versions", PODMONITOR] if operator else [])]
    done = run(needs.tool("helm"), "template", "shop", str(chart), *arguments)
    assert done.returncode == 0, done.stderr
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(done.stdout)
    judged = run(needs.tool("kubernetes-validate"), "--strict", "-k", kubernetes, str(manifests))
    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_a_misspelt_value_is_refused(chart: Path) -> None:
    done = run(needs.tool("helm"), "template", "shop", str(chart), "--set", "actors.web.replica=2")
    assert done.returncode != 0
    assert "replica" in done.stderr


def test_every_value_of_the_chart_has_a_comment_and_is_in_the_schema() -> None:
    ours = assets.asset("charts") / "actorkit"
    lines = (ours / "values.yaml").read_text().splitlines()
    schema = YAML(typ="safe").load((ours / "values.schema.json").read_text())
    for number, line in enumerate(lines):
        key = line.split(":")[0]
        if not line or line.startswith(("#", " ")):
            continue
        assert key in schema["properties"], key
        nested = not line.partition(":")[2].strip()
        assert nested or lines[number - 1].startswith("# "), f"{key} has no comment"


def test_every_pod_meets_the_restricted_standard(chart: Path) -> None:
    for name, pod in pods(template(chart)):
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True, name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert security["runAsUser"] == security["fsGroup"] == 10001, name
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), name
        assert not [volume for volume in pod.get("volumes", ()) if "hostPath" in volume], name
        for container in pod["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False, name
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
            assert container["securityContext"]["capabilities"] == RESTRICTED_CAPABILITIES, name
            assert {"requests", "limits"} == set(container["resources"]), name


def test_probes_ask_three_different_things(chart: Path) -> None:
    for name, workload in workloads(template(chart)).items():
        (container,) = workload["spec"]["template"]["spec"]["containers"]
        assert container["startupProbe"]["httpGet"] == {"path": "/healthz", "port": "admin"}, name
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "admin"}, name
        assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "admin"}, name


def test_endpoints_name_services_of_the_release(chart: Path) -> None:
    manifests = template(chart)
    services = of_kind(manifests, "Service")
    names = set()
    for workload in workloads(manifests).values():
        (container,) = workload["spec"]["template"]["spec"]["containers"]
        for variable in container["env"]:
            if variable["name"].startswith(("ACTORKIT_OUTBOX_", "ACTORKIT_BROKERS")):
                names |= {peer.split("//")[1].split(":")[0] for peer in variable["value"].split()}
    assert names == {f"shop-{unit.name}" for unit in orders().units}
    for name in names:
        assert services[name]["spec"]["clusterIP"] == "None"
        assert services[name]["spec"]["publishNotReadyAddresses"] is True


def test_selectors_hold_only_labels_that_never_change(chart: Path) -> None:
    for workload in workloads(template(chart)).values():
        selector = workload["spec"]["selector"]["matchLabels"]
        assert set(selector) == {f"app.kubernetes.io/{key}" for key in ("name", "instance", "component")}
        assert selector.items() <= workload["spec"]["template"]["metadata"]["labels"].items()


def test_the_network_forbids_all_but_the_edges_of_the_topology(chart: Path) -> None:
    policies = of_kind(template(chart), "NetworkPolicy")
    assert policies["shop"]["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in policies["shop"]["spec"]
    plan = orders()
    edges = {(edge.source, edge.destination) for unit in plan.units for edge in unit.edges}
    edges |= {(unit.name, "broker") for unit in plan.units if unit.uses_broker}
    # Letters go to the box, and from there to the actors again.
    edges |= {("dead-letters", unit.name) for unit in plan.of_kind("actor") if unit.receives}
    assert ("auth", "dead-letters") in edges
    out, into = set(), set()
    for unit in plan.units:
        spec = policies[f"shop-{unit.name}"]["spec"]
        out |= {(unit.name, peer) for rule in spec.get("egress", ()) for peer in components(rule["to"])}
        _admin, *ingress = spec["ingress"]
        into |= {(peer, unit.name) for rule in ingress for peer in components(rule.get("from", ()))}
    assert out == into == edges


def components(peers: list[dict[str, Any]]) -> list[str]:
    return [peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in peers]


def test_pods_are_scraped_by_a_pod_monitor_or_by_annotations_and_never_by_both(chart: Path) -> None:
    for arguments, monitors in (((), 0), (("--api-versions", PODMONITOR), 1)):
        manifests = template(chart, *arguments)
        assert len(of_kind(manifests, "PodMonitor")) == monitors
        for workload in workloads(manifests).values():
            annotations = workload["spec"]["template"]["metadata"]["annotations"]
            assert ("prometheus.io/scrape" in annotations) == (not monitors)


def test_only_what_has_several_replicas_has_a_disruption_budget(chart: Path) -> None:
    budgets = of_kind(template(chart), "PodDisruptionBudget")
    assert set(budgets) == {f"shop-{unit.name}" for unit in orders().units if unit.replicas > 1}


def test_a_changed_file_or_secret_rolls_the_pods_that_read_it(chart: Path) -> None:
    def checksums(*arguments: str) -> dict[str, dict[str, str]]:
        annotated = {
            name: workload["spec"]["template"]["metadata"]["annotations"]
            for name, workload in workloads(template(chart, *arguments)).items()
        }
        return {
            name: {k: v for k, v in found.items() if k.startswith("checksum/")} for name, found in annotated.items()
        }

    before = checksums()
    file = next(iter(orders().unit("to-order").mounts)).name.replace(".", "\\.")
    after = checksums("--set", f"actors.to-order.files.{file}.content=<other/>")
    assert {name for name in before if before[name] != after[name]} == {"shop-to-order"}
    after = checksums("--set", "secrets.web-users.existingSecret=mine")
    assert {name for name in before if before[name] != after[name]} == {"shop-auth"}


def test_an_existing_secret_takes_the_place_of_the_charts_own(chart: Path) -> None:
    assert set(of_kind(template(chart), "Secret")) == {"shop-web-users"}
    manifests = template(chart, "--set", "secrets.web-users.existingSecret=mine", "--set", "secrets.web-users.key=u")
    assert of_kind(manifests, "Secret") == {}
    pod = of_kind(manifests, "Deployment")["shop-auth"]["spec"]["template"]["spec"]
    (volume,) = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
    assert volume["secretName"] == "mine"
    assert volume["items"] == [{"key": "u", "path": "web-users"}]


def test_a_secret_without_content_is_told_by_name(tmp_path: Path) -> None:
    files = {name: content for name, content in rendered("helm").items() if not name.startswith("secrets/")}
    folder.write(files, tmp_path)
    done = run(needs.tool("helm"), "template", "shop", str(tmp_path))
    assert 'the secret "web-users" has no content. Put it into the file secrets/web-users' in done.stderr


def test_nothing_secret_is_outside_of_secrets(chart: Path) -> None:
    secret = next(mount.source for mount in orders().unit("auth").mounts if mount.secret).read_text().strip()
    assert secret not in str(rendered("helm")["values.yaml"])
    for document in template(chart):
        if document["kind"] != "Secret":
            assert secret not in str(document)


def test_names_stay_within_what_kubernetes_allows(chart: Path) -> None:
    long = "a-release-name-that-is-as-long-as-helm-allows-it-to-x"
    done = run(needs.tool("helm"), "template", long, str(chart))
    assert done.returncode == 0, done.stderr
    manifests = [document for document in YAML(typ="safe").load_all(done.stdout) if document]
    assert len({(d["kind"], d["metadata"]["name"]) for d in manifests}) == len(manifests)
    assert all(len(document["metadata"]["name"]) <= 63 for document in manifests)


def test_a_text_with_braces_in_a_parameter_is_no_template(tmp_path: Path) -> None:
    plan = orders()
    web = plan.unit("web")
    changed = replace(web, params={**web.params, "name": "{{ .Values }} $(HOME)"})
    files = rendered("helm", replace(plan, units=tuple(changed if unit is web else unit for unit in plan.units)))
    folder.write(files, tmp_path, helm.PRIVATE)
    (container,) = of_kind(template(tmp_path), "Deployment")["shop-web"]["spec"]["template"]["spec"]["containers"]
    value = next(variable["value"] for variable in container["env"] if variable["name"] == "ACTORKIT_PARAMS")
    assert "{{ .Values }} $$(HOME)" in value


def test_registries_go_before_the_names_of_images(chart: Path) -> None:
    manifests = template(chart, "--set", "global.imageRegistry=registry.example:5000/team/")
    images = {container["image"] for _, pod in pods(manifests) for container in pod["containers"]}
    assert images
    assert all(image.startswith("registry.example:5000/team/") for image in images)
