"""Each alert of a release, made to fire for real: its PrometheusRule and its pods, in the Prometheus of an operator.

It takes as long as the alerts wait, so it is asked for: ALERTS_S=300 waits for those that fire within some minutes,
ALERTS_S=900 for the others as well.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests import needs
from tests.fleet import Process
from tests.integration import shop
from tests.integration.test_compose import docker, kit_with
from tests.until import until

#: How long alerts are waited for, in seconds.
PATIENCE_S: Final = float(os.environ.get("ALERTS_S", "0"))

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.docker,
    pytest.mark.timeout(PATIENCE_S + 600),
    pytest.mark.skipif(not PATIENCE_S, reason="takes minutes: ALERTS_S=300 or 900 says how long alerts are waited for"),
]

NAMESPACE: Final = "actorkit-alerts"
NAME: Final = "alerts-test"
CODE: Final = """\
import os
from collections.abc import Iterator

import gevent

from actorkit import Actor, Event


class Hangs(Actor):
    def consume(self, event: Event) -> Event:
        gevent.sleep(1_000_000)
        return event


class Large(Actor):
    def produce(self) -> Iterator[Event]:
        while True:
            gevent.sleep(0.2)
            yield Event(b"x" * 1_000_000)


class Fails(Actor):
    def consume(self, event: Event) -> Event:
        raise ValueError("it is broken")


class Ends(Actor):
    def consume(self, event: Event) -> Event:
        os._exit(1)


class NeverReady(Actor):
    def setup(self) -> None:
        gevent.sleep(1_000_000)

    def consume(self, event: Event) -> Event:
        return event
"""
TOPOLOGY: Final = """\
name: alerts-test
actors:
  ticks: {uses: generator, params: {interval_s: 0.2, data: "x"}}
  hangs: {uses: "p.actors:Hangs", build: ./code}
  large: {uses: "p.actors:Large", build: ./code}
  fails: {uses: "p.actors:Fails", build: ./code}
  fewer: {uses: generator, params: {interval_s: 5, data: "x"}}
  ends: {uses: "p.actors:Ends", build: ./code}
  asks: {uses: generator, params: {interval_s: 5, data: "x"}}
  place: {uses: mdp-client, params: {service: nobody, timeout_s: 600}}
  sends: {uses: generator, params: {interval_s: 5, data: "x"}}
  gone: {uses: stdout}
  unready: {uses: "p.actors:NeverReady", build: ./code}
connections: [ticks -> hangs, large -> fails, fewer -> ends, asks -> place, sends -> gone, sends -> unready]
broker: {}
dead-letters: {params: {max_bytes: 67108864, keep_days: 0.003}}
clear: true
"""
#: What fires → after how many seconds at the earliest.
ALERTS: Final = {
    "ActorkitInstancesMissing": 60,
    "ActorkitNoPeer": 60,
    "ActorkitNoWorkers": 60,
    "ActorkitRequestsWait": 90,
    "ActorkitDeadLetters": 0,
    "ActorkitDeadLettersFull": 60,
    "ActorkitDeadLettersExpire": 280,
    "ActorkitRestarts": 60,
    "ActorkitNotReady": 120,
    "ActorkitConsumeHangs": 120,
    "ActorkitOldestWaits": 180,
    "ActorkitStrangers": 0,
    "ActorkitSourceStalls": 360,
    "ActorkitEventsFail": 600,
}
#: Sends the inbox of its own pod what is no message of the protocol.
STRANGER: Final = """\
import zmq
socket = zmq.Context().socket(zmq.DEALER)
socket.connect("tcp://127.0.0.1:5550")
for _ in range(20):
    socket.send(b"nonsense")
socket.close(5000)
"""


def kubectl(*arguments: str, namespace: str = NAMESPACE, **options: Any) -> str:
    command = [needs.tool("kubectl"), "--namespace", namespace, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr
    return str(done.stdout).strip()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an operator's Prometheus that takes the monitors and rules of all namespaces."""
    needs.cluster()
    service = [needs.tool("kubectl"), "--namespace", "monitoring", "get", "service", "prometheus"]
    if subprocess.run(service, capture_output=True, check=False).returncode:
        needs.missing(
            "needs the operator of Prometheus in the cluster, and the Service prometheus in the namespace monitoring"
        )
    command = [needs.tool("kubectl"), "--namespace", "monitoring", "port-forward", "service/prometheus", ":9090"]
    with Process(os.environ, tmp_path_factory.mktemp("forward") / "log", command=command) as process:
        (line,) = process.lines(1, 60)
        yield f"http://{line.split()[2]}"


@pytest.fixture(scope="module")
def release(prometheus: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A release in which everything is wrong."""
    folder = tmp_path_factory.mktemp("alerts")
    (folder / "code" / "p").mkdir(parents=True)
    (folder / "code" / "p" / "actors.py").write_text(CODE)
    (folder / "topology.yaml").write_text(TOPOLOGY)
    kit = kit_with()
    built = kit("build", str(folder), "-o", "json")
    assert built.returncode == 0, built.stderr
    for row in json.loads(built.stdout):
        subprocess.run([*needs.cluster(), row["image"]], capture_output=True, check=True)
    assert kit("render", "helm", str(folder), "-o", str(folder / "chart")).returncode == 0
    options = (
        *shop.STORAGE,
        "--set",
        "monitoring.interval=5s",
        "--set",
        "actors.gone.replicas=0",
        "--create-namespace",
    )
    try:
        # Without --wait: it never comes up.
        helm = [needs.tool("helm"), "install", NAME, str(folder / "chart"), "--namespace", NAMESPACE, *options]
        done = subprocess.run(helm, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        yield
    finally:
        subprocess.run([needs.tool("kubectl"), "delete", "namespace", NAMESPACE, "--timeout=180s"], check=False)
        for image in docker("images", "--format", "{{.Repository}}:{{.Tag}}", f"{NAME}/*").split():
            docker("rmi", "--force", image)


def firing(prometheus: str) -> set[str]:
    """The alerts that fire for the release, and for it alone."""
    mine = f'namespace="{NAMESPACE}", release="{NAME}"'
    found = shop.ask(prometheus, f'ALERTS{{alertstate="firing", {mine}}}')
    return {one["metric"]["alertname"] for one in found}


def test_each_alert_fires(release: None, prometheus: str) -> None:
    wanted = {alert for alert, seconds in ALERTS.items() if seconds + 90 < PATIENCE_S}
    fired: set[str] = set()

    def is_all() -> bool:
        disturb()
        fired.update(firing(prometheus))
        return wanted <= fired

    try:
        until(is_all, "every alert fires", timeout_s=PATIENCE_S, pause_s=5)
    except AssertionError as exc:
        raise AssertionError(f"{exc}; silent: {sorted(wanted - fired)}") from exc


def disturb() -> None:
    """A stranger speaks to an inbox."""
    pod = ("exec", f"deployment/{NAME}-hangs", "--container=actor", "--", "python", "-c", STRANGER)
    subprocess.run([needs.tool("kubectl"), "--namespace", NAMESPACE, *pod], capture_output=True, check=False)
