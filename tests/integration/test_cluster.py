"""The orders example, its own actor with coroutines, on a cluster, from `kit render helm` to `helm uninstall`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from actorkit_kit import python_process
from tests import needs
from tests.fleet import Process, fetch
from tests.integration import shop
from tests.integration.test_compose import kit_with
from tests.until import until

pytestmark = [pytest.mark.cluster, pytest.mark.docker, pytest.mark.timeout(900)]

NAMESPACE: Final = "actorkit-test"
#: Prometheus in the tests; older or newer ones do as well.
PROMETHEUS_IMAGE: Final = "prom/prometheus:v3.5.0"
#: By these the chart knows who may scrape.
PROMETHEUS_LABELS: Final = {"app.kubernetes.io/name": "prometheus"}
#: Where it listens, inside its pod.
PROMETHEUS_PORT: Final = 9090


@dataclass(frozen=True)
class Installed:
    """A release named orders."""

    chart: Path
    url: str


def run(*command: str, **options: Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
    return str(done.stdout).strip()


def kubectl(*arguments: str, **options: Any) -> str:
    return run(needs.tool("kubectl"), "--namespace", NAMESPACE, *arguments, **options)


def apply(*manifests: dict[str, Any]) -> None:
    kubectl("apply", "--filename", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}))


@contextmanager
def forwarded(what: str, port: int) -> Iterator[str]:
    """A URL that leads to a port of a Service or a pod."""
    command = [needs.tool("kubectl"), "--namespace", NAMESPACE, "port-forward", what, f":{port}"]
    with (
        tempfile.TemporaryDirectory() as folder,
        Process(os.environ, Path(folder) / "log", command=command) as process,
    ):
        (line,) = process.lines(1, 60)
        assert line.startswith("Forwarding from "), line
        yield f"http://{line.split()[2]}"


@pytest.fixture(scope="module")
def namespace() -> Iterator[Callable[[str], None]]:
    """An empty namespace that refuses what is not restricted; a function that loads an image into the cluster."""
    load = needs.cluster()
    needs.engine()
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    try:
        yield lambda image: print(run(*load, image))
    finally:
        run(needs.tool("kubectl"), "delete", "namespace", NAMESPACE, "--wait=true", "--timeout=120s")


@pytest.fixture(scope="module")
def installed(namespace: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("installed")
    topology = shop.copy(folder / "orders", "orders", **{"replicas: 3": "replicas: 1"})
    shop.make_coroutine(topology)
    kit = kit_with()
    built = kit("build", str(topology), "--output", "json")
    assert built.returncode == 0, built.stderr
    for row in json.loads(built.stdout):
        namespace(row["image"])
    chart = folder / "chart"
    assert kit("render", "helm", str(topology), "-o", str(chart)).returncode == 0
    helm = [needs.tool("helm"), "--namespace", NAMESPACE]
    run(*helm, "install", "orders", str(chart), *shop.STORAGE, "--wait", "--timeout", "180s")
    try:
        with forwarded("service/orders-web-http", 8080) as url:
            yield Installed(chart, url)
    finally:
        run(*helm, "uninstall", "orders", "--wait")


@pytest.fixture(scope="module")
def prometheus(namespace: Callable[[str], None]) -> Iterator[str]:
    """A Prometheus that looks for pods itself; with or without an operator in the cluster."""
    needs.image(PROMETHEUS_IMAGE, otherwise="prom/prometheus:v3")
    namespace(PROMETHEUS_IMAGE)
    apply(*prometheus_manifests())
    kubectl("wait", "--for=condition=Ready", "pod/prometheus", "--timeout=120s")
    with forwarded("pod/prometheus", PROMETHEUS_PORT) as url:
        yield url


def prometheus_manifests() -> list[dict[str, Any]]:
    pod_label = "__meta_kubernetes_pod_label_app_kubernetes_io"
    job = {
        "job_name": "pods",
        "honor_labels": True,
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [NAMESPACE]}}],
        "relabel_configs": [
            {"action": "keep", "source_labels": [f"{pod_label}_instance"], "regex": "orders"},
            {"action": "keep", "source_labels": ["__meta_kubernetes_pod_container_port_name"], "regex": "admin"},
            {"source_labels": [f"{pod_label}_component"], "target_label": "actor"},
            {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
        ],
    }
    configuration = {"global": {"scrape_interval": "2s"}, "scrape_configs": [job]}
    data = {"prometheus.yml": json.dumps(configuration)}
    name = {"name": "prometheus"}
    pod = {
        "serviceAccountName": "prometheus",
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "prometheus",
                "image": PROMETHEUS_IMAGE,
                "imagePullPolicy": "IfNotPresent",
                "args": ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/data"],
                "readinessProbe": {"httpGet": {"path": "/-/ready", "port": PROMETHEUS_PORT}},
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                "volumeMounts": [
                    {"name": "configuration", "mountPath": "/etc/prometheus"},
                    {"name": "data", "mountPath": "/data"},
                ],
            }
        ],
        "volumes": [{"name": "configuration", "configMap": name}, {"name": "data", "emptyDir": {}}],
    }
    rbac = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": name},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "Role",
            "metadata": name,
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}],
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": name,
            "roleRef": {"apiGroup": rbac, "kind": "Role", **name},
            "subjects": [{"kind": "ServiceAccount", "namespace": NAMESPACE, **name}],
        },
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": name, "data": data},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {**name, "labels": PROMETHEUS_LABELS}, "spec": pod},
    ]


def pods(selector: str = "") -> list[dict[str, Any]]:
    """The release's pods that are not about to end."""
    wanted = ",".join(filter(None, ["app.kubernetes.io/instance=orders", selector]))
    found = json.loads(kubectl("get", "pods", "--selector", wanted, "--output", "json"))["items"]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def upgrade(installed: Installed, *values: str) -> None:
    """Change values of the release, and wait until it is so."""
    helm = [needs.tool("helm"), "--namespace", NAMESPACE, "upgrade", "orders", str(installed.chart)]
    run(
        *helm, "--reuse-values", "--wait", "--timeout", "180s", *(part for value in values for part in ("--set", value))
    )


def test_every_pod_is_ready_in_a_namespace_that_is_restricted(installed: Installed) -> None:
    found = pods()
    assert len(found) == 11
    for pod in found:
        conditions = {condition["type"]: condition["status"] for condition in pod["status"]["conditions"]}
        assert conditions["Ready"] == "True", pod["metadata"]["name"]
        assert [status["restartCount"] for status in pod["status"]["containerStatuses"]] == [0]


def test_an_order_goes_full_circle_and_a_wrong_password_does_not(installed: Installed) -> None:
    status, body = shop.order(installed.url)
    assert status == 200, body
    assert body.startswith("<ack>")
    assert shop.order(installed.url, "not it")[0] == 401


def test_the_releases_own_test_passes(installed: Installed) -> None:
    told = run(needs.tool("helm"), "--namespace", NAMESPACE, "test", "orders", "--logs", "--timeout", "120s")
    assert "orders-web-http:8080 answers" in told


def test_the_console_shows_every_pod_to_whoever_may_forward_a_port(installed: Installed, tmp_path: Path) -> None:
    upgrade(installed, "console.enabled=true")
    command = [*python_process.command("actorkit_kit"), "ui", "orders", "--namespace", NAMESPACE, "--target", "helm"]
    with Process(python_process.environ(), tmp_path / "said", command=command, out=tmp_path / "out") as kit:
        (url,) = (line.strip() for line in kit.lines(1, 60))

        def names() -> set[str]:
            actors = json.loads(fetch(f"{url}/state", timeout_s=30)[1])["actors"].values()
            return {one["name"] for actor in actors for one in actor["instances"] if one["state"] == "ready"}

        there = {pod["metadata"]["name"] for pod in pods()}
        until(lambda: names() == {name for name in there if "0-console" not in name}, "all are shown", 60, 0.5)
        assert kit.stop(signal.SIGINT) == 130
    (console,) = pods("app.kubernetes.io/component=0-console")
    address = (console["status"]["podIP"], 9601)
    knock = f"import socket; socket.setdefaulttimeout(3); print(socket.socket().connect_ex({address!r}))"
    assert kubectl("exec", "deployment/orders-to-order", "--", "python", "-c", knock) != "0"


def test_three_executors_all_work(installed: Installed, prometheus: str) -> None:
    upgrade(installed, "actors.execute.replicas=3")

    def all_work() -> bool:
        assert shop.orders(installed.url, 40) == {200: 40}
        return len(shop.ask(prometheus, 'sum by (pod) (actorkit_events_in_total{actor="execute"}) > 0')) == 3

    until(all_work, "three executors have had orders", 60, 0.25)


def test_prometheus_scrapes_each_pod(installed: Installed, prometheus: str) -> None:
    def all_up() -> bool:
        found = shop.targets(prometheus)
        names = {target["labels"]["pod"] for target in found if target["health"] == "up"}
        return len(found) == len(names) and names == {pod["metadata"]["name"] for pod in pods()}

    until(all_up, "each pod is a target once, and up", 60, 0.25)


def test_orders_are_still_answered_when_a_worker_is_deleted(installed: Installed) -> None:
    victim = pods("app.kubernetes.io/component=worker")[0]["metadata"]["name"]
    kubectl("delete", "pod", victim, "--grace-period=0", "--force", "--wait=false")
    assert shop.orders(installed.url, 40) == {200: 40}
    kubectl("rollout", "status", "deployment", "orders-worker", "--timeout=120s")


def test_the_network_lets_nothing_through_but_the_edges(installed: Installed) -> None:
    script = (
        "import socket, sys\n"
        "for host in sys.argv[1:]:\n"
        "    try: socket.create_connection((host, 5550), 3).close()\n"
        "    except OSError: print(host, 'no')\n"
        "    else: print(host, 'yes')\n"
    )
    told = kubectl(
        "exec",
        "deployment/orders-to-order",
        "--",
        "python",
        "-c",
        script,
        "orders-place",
        "orders-execute",
        "orders-broker",
    )
    assert told.splitlines() == ["orders-place yes", "orders-execute no", "orders-broker no"]


def test_an_upgrade_rolls_only_what_changes_and_loses_no_order(installed: Installed) -> None:
    before = {pod["metadata"]["name"] for pod in pods() if "execute" not in pod["metadata"]["name"]}
    with ThreadPoolExecutor(1) as pool:
        rolled = pool.submit(upgrade, installed, "actors.execute.podAnnotations.changed=yes")
        answers: list[int] = []
        while not rolled.done():
            answers.append(shop.order(installed.url)[0])
        rolled.result()
    assert set(answers) == {200}
    assert before <= {pod["metadata"]["name"] for pod in pods()}


@pytest.fixture
def listed(installed: Installed, tmp_path: Path) -> Iterator[str]:
    """The URL of a second release, whose brokers are known from a registration service."""
    listing = {"replicas: 3": "replicas: 1", "\nbroker:": "\nregistration: {}\nbroker:"}
    topology = shop.copy(tmp_path / "orders", "orders", **listing)
    shop.make_coroutine(topology)  # so the cluster has its image
    assert kit_with()("render", "helm", str(topology), "-o", str(tmp_path / "chart")).returncode == 0
    helm = [needs.tool("helm"), "--namespace", NAMESPACE]
    run(*helm, "install", "listed", str(tmp_path / "chart"), *shop.STORAGE, "--wait", "--timeout", "180s")
    try:
        with forwarded("service/listed-web-http", 8080) as url:
            yield url
    finally:
        run(*helm, "uninstall", "listed", "--wait")


def test_a_registration_pod_that_is_killed_is_found_again_within_seconds(listed: str) -> None:
    assert shop.order(listed)[0] == 200
    selector = "app.kubernetes.io/instance=listed,app.kubernetes.io/component in (worker, registration)"
    kubectl("delete", "pod", "--selector", selector, "--grace-period=0", "--force", "--wait=false")
    kubectl("rollout", "status", "statefulset", "listed-registration", "--timeout=60s")
    kubectl("rollout", "status", "deployment", "listed-worker", "--timeout=60s")
    with forwarded("pod/listed-registration-0", 9600) as admin:
        until(lambda: shop.metric(admin, "actorkit_registration_brokers") == 2, "both brokers are listed", 20, 0.25)
    assert shop.orders(listed, 8) == {200: 8}
