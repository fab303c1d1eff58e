"""`kit dlq` on a deployment: the dead letters of real containers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.deploying import deployed, docker, kit
from tests.until import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

NAME = "dlq-test"

#: Fails until there is a certain file.
CODE = """\
from pathlib import Path

from actorkit import Actor, Event, MalformedEvent


class Place(Actor):
    def consume(self, event: Event) -> Event:
        if not Path("/tmp/mended").exists():
            raise MalformedEvent("not now")
        return event
"""

TOPOLOGY = f"""\
name: {NAME}
actors:
  gen: {{uses: generator, params: {{interval_s: 0.01, count: 3, data: tick}}}}
  place: {{uses: "shop.actors:Place", build: ./shop, replicas: 2}}
  out: {{uses: stdout}}
connections: [gen -> place -> out]
clear: true
"""


def listed() -> list[dict[str, Any]]:
    done = kit("dlq", "list", "-d", NAME, "-o", "json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.fixture
def topology(shop: Path) -> Iterator[Path]:
    (shop / "shop" / "shop" / "actors.py").write_text(CODE)
    with deployed(NAME, TOPOLOGY, shop) as topology:
        yield topology


def test_dead_letters_of_containers_are_listed_shown_sent_again_and_dropped(topology: Path) -> None:
    until(lambda: len(listed()) == 3, "three events fail", timeout_s=60)
    first, second, third = listed()
    assert (first["actor"], first["message"]) == ("place", "not now")
    shown = kit("dlq", "show", "place", first["id"], "-d", str(topology))
    assert json.loads(shown.stdout)["body"] == {"text": "tick"}
    assert kit("dlq", "drop", "place", third["id"], "-d", NAME).stdout == "dropped 1\n"
    containers = docker("ps", "-q", "--filter", f"label=io.actorkit.topology={NAME}").split()
    for container in containers:
        docker("exec", container, "python", "-c", "open('/tmp/mended', 'w')")
    assert kit("dlq", "retry", "place", first["id"], second["id"], "-d", NAME).stdout == "sent 2\n"
    assert kit("dlq", "list", "place", "-d", NAME).stdout == "there are no dead letters\n"
    out = docker(
        "ps", "-q", "--filter", f"label=io.actorkit.topology={NAME}", "--filter", "label=io.actorkit.actor=out"
    )
    until(lambda: docker("logs", out).count("tick") == 2, "what is sent again goes on its way", timeout_s=60)
    refused = kit("dlq", "drop", "gen", "all", "-d", NAME)
    assert (refused.returncode, refused.stderr) == (
        2,
        'kit: "gen" has no dead letters here. Actors that can have some: out, place.\n',
    )
