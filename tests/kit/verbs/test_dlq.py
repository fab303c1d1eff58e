"""`kit dlq`, on what `kit run` runs: real processes, real failures."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actorkit_kit.local.state import STATE_FILE, make_dead_letters_folder, running_processes
from tests.kit.conftest import Kit
from tests.kit.running import KitRun
from tests.until import until

#: Fails as long as the file is there.
CODE = """\
from pathlib import Path

from actorkit import Actor, Event, MalformedEvent


class Place(Actor):
    class Params(Actor.Params, frozen=True, kw_only=True):
        broken: str

    def consume(self, event: Event) -> Event:
        if Path(self.params.broken).exists():
            raise MalformedEvent("not now")
        return event
"""


class Shop:
    """A topology whose actor `place` fails on three events, and `kit` on it."""

    def __init__(self, folder: Path, kit: Kit) -> None:
        self.folder = folder
        self.broken = folder / "broken"
        self.broken.touch()
        self._kit = kit
        (folder / "shop" / "shop" / "actors.py").write_text(CODE)
        (folder / "topology.yaml").write_text(
            "name: shop\nactors:\n  gen: {uses: generator, params: {interval_s: 0.01, count: 3, data: tick}}\n"
            f'  place: {{uses: "shop.actors:Place", build: ./shop, replicas: 2, params: {{broken: "{self.broken}"}}}}\n'
            "  out: {uses: stdout}\nconnections: [gen -> place -> out]\n"
        )
        self.runs: list[KitRun] = []

    def run(self) -> KitRun:
        """`kit run`, once all are ready."""
        self.runs.append(KitRun(self.folder))
        self.runs[-1].table()
        return self.runs[-1]

    def dlq(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._kit("dlq", *arguments, cwd=self.folder)

    def listed(self) -> list[dict[str, Any]]:
        done = self.dlq("list", "-o", "json")
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found

    def close(self) -> None:
        for run in self.runs:
            run.close()


@pytest.fixture
def place(shop: Path, kit: Kit) -> Iterator[Shop]:
    made = Shop(shop, kit)
    yield made
    made.close()


def test_failed_events_are_listed_shown_sent_again_and_dropped(place: Shop) -> None:
    run = place.run()
    until(lambda: len(place.listed()) == 3, "three events fail")
    first, second, third = place.listed()
    assert (first["actor"], first["inbox"], first["reason"], first["message"]) == (
        "place",
        "gen",
        "MalformedEvent",
        "not now",
    )
    table = place.dlq("list", "place").stdout.splitlines()
    assert re.split(r" {2,}", table[0].strip()) == ["ID", "TIME", "ACTOR", "INBOX", "CAME THROUGH", "REASON", "BYTES"]
    assert [line.split()[0] for line in table[1:]] == [first["id"], second["id"], third["id"]]
    shown = json.loads(place.dlq("show", "place", first["id"]).stdout)
    assert (shown["id"], shown["body"]) == (first["id"], {"text": "tick"})

    assert json.loads(place.dlq("retry", "place", first["id"], "-o", "json").stdout) == {"sent": 1}
    again = {letter["id"] for letter in place.listed()}
    assert len(again) == 3
    assert first["id"] not in again

    place.broken.unlink()
    assert place.dlq("retry", "place", second["id"]).stdout == "sent 1\n"
    until(lambda: place.runs[-1].said().count("| tick") == 1, "what is sent again goes on its way")
    assert place.dlq("drop", "place", third["id"]).stdout == "dropped 1\n"
    assert len(place.listed()) == 1
    assert place.dlq("retry", "place", "all").stdout == "sent 1\n"
    assert place.listed() == []
    assert place.dlq("list").stdout == "there are no dead letters\n"
    assert run.stop() == 0


def test_dead_letters_outlive_the_run_and_nothing_is_sent_to_who_does_not_run(place: Shop) -> None:
    run = place.run()
    until(lambda: len(place.listed()) == 3, "three events fail")
    kept = place.folder / ".kit" / "shop-local" / STATE_FILE
    assert kept.stat().st_mode & 0o777 == 0o600
    assert run.stop() == 0
    assert not kept.exists()
    letters = place.listed()
    assert len(letters) == 3
    refused = place.dlq("retry", "place", "all")
    assert (refused.returncode, refused.stderr) == (
        1,
        'kit: "shop" does not run on this machine. Start it with kit run, then try again.\n',
    )
    assert place.dlq("drop", "place", "all").stdout == "dropped 3\n"
    assert place.listed() == []


def test_a_kit_run_that_was_killed_is_not_taken_for_running(place: Shop) -> None:
    run = place.run()
    until(lambda: len(place.listed()) == 3, "three events fail")
    assert len(running_processes(place.folder, "shop")) == 4
    run.stop(signal.SIGKILL)
    assert running_processes(place.folder, "shop") == []
    assert len(place.listed()) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("retry",), "say whose and which: kit dlq retry ACTOR ID..., or: kit dlq retry ACTOR all"),
        (("show", "place"), "say whose and which: kit dlq show ACTOR ID..., or: kit dlq show ACTOR all"),
        (("list", "plaec", "-t", "local"), '"plaec" has no dead letters here. Actors that can have some: none.'),
        (
            ("list", "-d", "nowhere", "-t", "local"),
            "kit run does not run nowhere. Start it, or name its file: -d topology.yaml",
        ),
        (
            ("list", "-d", "no/topology.yaml"),
            'there is no file "no/topology.yaml". Name a topology file, its folder, or app.py:',
        ),
    ],
)
def test_what_cannot_be_meant_is_told_in_one_line(place: Shop, arguments: tuple[str, ...], said: str) -> None:
    done = place.dlq(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"kit: {said}")
    assert done.stderr.count("\n") == 1


def test_letters_of_what_has_run_here_are_found_whatever_its_file_is_called(place: Shop) -> None:
    (place.folder / "topology.yaml").rename(place.folder / "shop.yaml")
    for name in ("shop", "second"):
        make_dead_letters_folder(place.folder, name)
        if name == "shop":
            assert place.dlq("list").stdout == "there are no dead letters\n"
    assert place.dlq("list").stderr == (
        "kit: letters of several topologies are kept here: second, shop. Name one: -d second\n"
    )
    assert place.dlq("list", "-d", "shop").stdout == "there are no dead letters\n"
    assert place.dlq("list", "-d", "shop.yaml").stdout == "there are no dead letters\n"


def test_an_event_that_is_not_in_the_box_is_named(place: Shop) -> None:
    place.run()
    until(lambda: len(place.listed()) == 3, "three events fail")
    done = place.dlq("drop", "place", "0123")
    assert (done.returncode, done.stderr) == (
        2,
        'kit: no event "0123" of place is in the box. See what is: kit dlq list place\n',
    )


def test_the_only_deployment_is_named_where_nothing_says_whose_letters_are_meant(
    place: Shop, kit: Kit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place.run()
    done = kit("dlq", "list", "-t", "local", cwd=tmp_path_factory.mktemp("elsewhere"))
    assert (done.returncode, done.stderr) == (
        0,
        'kit: of "shop", the only deployment; there is no topology.yaml here. Another one: -d topology.yaml\n',
    )
    assert place.dlq("list").stderr == ""
