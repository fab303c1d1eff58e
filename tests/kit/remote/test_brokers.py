"""`kit call` and `kit services` on a deployment: brokers in containers, a registration service, durable requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.deploying import deployed, docker, kit
from tests.until import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

NAME = "call-test"

TOPOLOGY = f"""\
name: {NAME}
actors:
  worker: {{uses: mdp-worker, params: {{service: shout, capacity: 2}}}}
  shout: {{uses: "shop.actors:Place", build: ./shop}}
connections: [worker -> shout -> worker]
broker: {{replicas: 2}}
registration: {{}}
titanic: {{params: {{retry_s: 0.1}}}}
keys: {{secret: topology-keys}}
"""


@pytest.fixture
def topology(shop: Path) -> Iterator[Path]:
    assert kit("keys", str(shop / "secrets" / "topology-keys")).returncode == 0
    with deployed(NAME, TOPOLOGY, shop) as topology:
        yield topology


def test_services_of_containers_are_listed_and_called_and_durable_requests_outlive_theirs(topology: Path) -> None:
    def workers() -> dict[str, int]:
        told = json.loads(kit("services", "-d", NAME, "-o", "json").stdout)
        return {each["broker"]: each["services"].get("shout", {}).get("workers", 0) for each in told}

    until(
        lambda: workers() == {f"{NAME}-broker-1": 1, f"{NAME}-broker-2": 1},
        "the worker is at both brokers",
        timeout_s=60,
    )
    done = kit("call", "shout", "--data", "hello", "-d", str(topology))
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")
    nobody = kit("call", "nobody", "--timeout", "1", "-d", NAME)
    assert (nobody.returncode, nobody.stderr.count("\n")) == (6, 2)  # said at once, and at the end
    asked = kit("call", "titanic.request", "--data", "shout", "--data", "kept", "-d", NAME).stdout.split("\n")
    docker("kill", "--signal", "KILL", f"{NAME}-titanic-1", f"{NAME}-registration-1")
    docker("rm", f"{NAME}-titanic-1")
    assert kit("deploy", str(topology), "--no-prometheus").returncode == 0
    reply = ("call", "titanic.reply", "--data", asked[1], "-d", NAME)
    until(lambda: kit(*reply).stdout == "200\nkept\n", "the answer is collected from the volume", timeout_s=60)
