"""Actors that Kubernetes scales by the work that waits: KEDA's operator, from no instance to several and back."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from tests import needs
from tests.integration import shop
from tests.integration.test_cluster import NAMESPACE, forwarded, kubectl, run
from tests.integration.test_cluster import namespace as namespace  # a fixture
from tests.integration.test_compose import kit_with
from tests.until import until

pytestmark = [pytest.mark.cluster, pytest.mark.docker, pytest.mark.timeout(600)]

CODE: Final = '''
import time

from actorkit import Actor, Event


class Slow(Actor):
    """Takes its time."""

    def consume(self, event: Event) -> Event:
        time.sleep(0.25)
        return event
'''
TOPOLOGY: Final = """\
name: scaled
actors:
  web: {uses: http-server, params: {routes: [{path: /<queue>, methods: [POST]}], timeout_s: 120}, expose: {http: 8080}}
  slow: {uses: "slow.actors:Slow", build: ./code, scale: {min: 0, max: 4, waiting: 10}}
  audit: {uses: pass-through, scale: {min: 0, max: 2, waiting: 100}}
connections: [web -> slow -> audit -> web]
clear: true
"""
COOLDOWN_S: Final = 10


@pytest.fixture(scope="module")
def url(namespace: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The front of a release whose other actors have no instance while there is nothing to do."""
    known = run(needs.tool("kubectl"), "api-resources", "--api-group=keda.sh", "--output=name")
    if "scaledobjects.keda.sh" not in known.split() or not _has_keda():
        needs.missing("needs KEDA's operator in the cluster")
    folder = tmp_path_factory.mktemp("scaled")
    (folder / "code" / "slow").mkdir(parents=True)
    (folder / "code" / "slow" / "__init__.py").touch()
    (folder / "code" / "slow" / "actors.py").write_text(CODE)
    (folder / "topology.yaml").write_text(TOPOLOGY)
    kit = kit_with()
    built = kit("build", str(folder / "topology.yaml"), "--output", "json")
    assert built.returncode == 0, built.stderr
    for row in json.loads(built.stdout):
        namespace(row["image"])
    assert kit("render", "helm", str(folder / "topology.yaml"), "-o", str(folder / "chart")).returncode == 0
    helm = [needs.tool("helm"), "--namespace", NAMESPACE]
    cooldown = ["--set", f"autoscaling.cooldownPeriod={COOLDOWN_S}"]
    run(*helm, "install", "scaled", str(folder / "chart"), *shop.STORAGE, *cooldown, "--wait", "--timeout", "180s")
    try:
        with forwarded("service/scaled-web-http", 8080) as url:
            yield url
    finally:
        run(*helm, "uninstall", "scaled", "--wait")


def _has_keda() -> bool:
    command = [needs.tool("kubectl"), "get", "apiservice", "v1beta1.external.metrics.k8s.io"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def replicas(actor: str) -> int:
    return int(kubectl("get", "deployment", f"scaled-{actor}", "--output", "jsonpath={.spec.replicas}"))


def scaled_object(actor: str) -> dict[str, Any]:
    """What KEDA says about an actor's autoscaler."""
    found: dict[str, Any] = json.loads(kubectl("get", "scaledobject", f"scaled-{actor}", "--output=json"))["status"]
    return found


def is_inactive_for(actor: str, seconds: float) -> bool:
    """Whether KEDA could not read how much waits, and so has not seen any work for so long."""
    status = scaled_object(actor)
    conditions = {one["type"]: one for one in status["conditions"]}
    last = datetime.fromisoformat(status["lastActiveTime"])
    return conditions["Ready"]["status"] == "False" and datetime.now(UTC) - last > timedelta(seconds=seconds)


def status_of(url: str) -> int:
    request = urllib.request.Request(f"{url}/slow", b"{}", {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=150) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_actors_come_with_the_work_and_go_without_it_and_what_is_not_known_changes_nothing(url: str) -> None:
    until(lambda: replicas("slow") == replicas("audit") == 0, "no work, no instances", 120, 0.5)
    with ThreadPoolExecutor(60) as pool:
        answers = pool.map(lambda _number: status_of(url), range(300))
        until(lambda: replicas("slow") >= 3, "instances come with the work", 120, 0.25)
        assert Counter(answers) == {200: 300}
    kubectl("scale", "deployment", "scaled-0-tally", "--replicas=0")
    until(lambda: is_inactive_for("slow", 2 * COOLDOWN_S), "nobody tells how much waits", 120, 0.5)
    assert replicas("slow") > 0
    kubectl("scale", "deployment", "scaled-0-tally", "--replicas=1")
    until(lambda: replicas("slow") == replicas("audit") == 0, "the work is done, and its actors go", 180, 0.5)
    assert status_of(url) == 200
