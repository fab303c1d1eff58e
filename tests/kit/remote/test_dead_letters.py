"""`kit dlq` on deployments: the dead letters of real containers, and of pods."""

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


def topology(count: int) -> str:
    return f"""\
name: {NAME}
actors:
  gen: {{uses: generator, params: {{interval_s: 0.005, count: {count}, data: tick}}}}
  place: {{uses: "shop.actors:Place", build: ./shop, replicas: 2}}
  out: {{uses: stdout}}
connections: [gen -> place -> out]
clear: true
"""


def dlq(*arguments: str) -> Any:
    """What a command writes as JSON, in the text of `show` too."""
    done = kit("dlq", *arguments, "-d", NAME, *(() if arguments[0] == "show" else ("-o", "json")))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def containers(actor: str = "") -> list[str]:
    labels = [f"label=io.actorkit.topology={NAME}", *([f"label=io.actorkit.actor={actor}"] if actor else [])]
    return docker("ps", "-aq", *(word for label in labels for word in ("--filter", label))).split()


def mend() -> None:
    for container in containers("place"):
        docker("exec", container, "python", "-c", "open('/tmp/mended', 'w')")


@pytest.fixture
def shop_deployed(shop: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    (shop / "shop" / "shop" / "actors.py").write_text(CODE)
    with deployed(NAME, topology(getattr(request, "param", 3)), shop) as file:
        yield file


def test_dead_letters_of_containers_are_listed_shown_sent_again_and_dropped(shop_deployed: Path) -> None:
    until(lambda: len(dlq("list")) == 3, "three events fail", timeout_s=60)
    first, second, third = dlq("list")
    assert (first["actor"], first["message"], first["attempts"]) == ("place", "not now", 1)
    assert dlq("show", "place", first["id"])["body"] == {"text": "tick"}
    assert kit("dlq", "list", "place", "-d", str(shop_deployed), "--limit", "2").stderr == (
        f"kit: there are more; go on with --after {second['id']}\n"
    )
    assert [letter["id"] for letter in dlq("list", "--after", second["id"])] == [third["id"]]
    assert [letter["id"] for letter in dlq("list", "--key", second["trace"] + second["id"])] == [second["id"]]
    assert dlq("list", "--since", "1h", "--reason", "Other") == []
    assert kit("dlq", "drop", "place", third["id"], "-d", NAME).stdout == "dropped 1\n"
    mend()
    assert kit("dlq", "retry", "place", first["id"], second["id"], "-d", NAME).stdout == "sent 2\n"
    assert kit("dlq", "list", "place", "-d", NAME).stdout == "there are no dead letters\n"
    (out,) = containers("out")
    until(lambda: docker("logs", out).count("tick") == 2, "what is sent again goes on its way", timeout_s=60)
    refused = kit("dlq", "drop", "gen", "all", "-d", NAME)
    assert (refused.returncode, refused.stderr) == (
        2,
        'kit: "gen" has no dead letters here. Actors that can have some: out, place.\n',
    )


@pytest.mark.parametrize("shop_deployed", [6000], indirect=True)
def test_every_letter_is_there_once_though_the_box_is_killed_under_a_stream_of_failures(shop_deployed: Path) -> None:
    (box,) = containers("dead-letters")
    for _ in range(4):
        until(
            lambda: "healthy" in docker("inspect", "--format", "{{.State.Health.Status}}", box).split(), "it is there"
        )
        docker("kill", "--signal", "KILL", box)
        docker("start", box)
    until(lambda: len(dlq("list")) >= 6000, "all events have failed", timeout_s=120)
    found = dlq("list")
    assert len(found) == len({letter["key"] for letter in found}) == 6000
    mend()
    assert dlq("retry", "place", "all", "--limit", "100", "--rate", "200")["sent"] == 100
    assert dlq("drop", "place", "all")["dropped"] == 5900
