"""The dead-letter box of a topology, as real processes: every letter is in it once, whoever is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Any

import pytest

from actorkit import Event, Failure
from actorkit.deadletters.box import letters
from actorkit.deadletters.letter import Letter, letter_of
from actorkit.deadletters.store import FILE, Store
from tests.fleet import PYTHONPATH, Fleet, Process
from tests.until import until

CLASS = "actorkit_actors.flow.dead_letters:DeadLetters"


class Boxed:
    """A topology in which `down` fails on events of `up`, with its box."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.fleet = fleet
        self.folder = folder

    def put(self, letter: Letter) -> None:
        """A letter is there before the box runs."""
        with closing(Store(self.folder)) as store:
            store.put([letter])

    def box(self, **params: Any) -> Process:
        return self.fleet.start(
            "dead-letters",
            CLASS,
            params=json.dumps({"folder": str(self.folder), **params}),
            dead_letters=str(self.folder),
            inboxes=f"down=ipc://{self.fleet.folder}/down-*.sock#up",
        )

    def down(self, number: int = 1, fail_every: int = 1, **variables: str) -> Process:
        params = json.dumps({"fail_every": fail_every})
        return self.fleet.start(
            "down", "tests.probes:Pass", number, params=params, outbox_dead_letters="dead-letters", **variables
        )

    def up(self, count: int, **params: Any) -> Process:
        return self.fleet.start(
            "up", "tests.probes:Source", outbox_down="down", params=json.dumps({"count": count, **params})
        )

    def until_more(self, count: int) -> None:
        until(lambda: sum(self.numbers().values()) > count, "letters come", timeout_s=30)

    def until_fewer(self, count: int) -> None:
        until(lambda: sum(self.numbers().values()) < count, "some letters are finished", timeout_s=30)

    def numbers(self) -> Counter[int]:
        """How often there is a letter of each event."""
        return Counter(json.loads(letter.body)["number"] for letter in letters(self.folder))


@pytest.fixture
def boxed(fleet: Fleet, tmp_path: Path) -> Boxed:
    return Boxed(fleet, tmp_path / "box")


def environment(process: Process) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": PYTHONPATH, **process.variables}


def command(process: Process, *arguments: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "actorkit.deadletters.cli", *arguments],
        env=environment(process),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def finished(up: Process, count: int) -> None:
    until(lambda: up.metric("actorkit_events_out_total") == count, "all is sent", timeout_s=60)
    until(lambda: up.metric("actorkit_unfinished") == 0, "all is acknowledged", timeout_s=60)


def test_every_letter_is_there_once_though_the_box_and_its_actor_are_killed_again_and_again(boxed: Boxed) -> None:
    box, down, count = boxed.box(), boxed.down(), 3000
    boxed.down(2)
    up = boxed.up(count, pause_s=0.001)
    for kill in range(6):
        stored = sum(boxed.numbers().values())
        boxed.until_more(stored)
        box.kill()
        box = boxed.fleet.restart(box)
        if kill % 2:
            down.kill()
            down = boxed.fleet.restart(down)
    finished(up, count)
    assert boxed.numbers() == Counter(range(count))


def test_an_actor_works_without_its_box_and_what_fails_waits_for_it(boxed: Boxed) -> None:
    down, up = boxed.down(fail_every=2), boxed.up(10)
    until(down.ready, "an actor takes work without its box")
    until(lambda: down.metric("actorkit_backlog", outbox="dead-letters") == 5, "what fails waits")
    assert up.metric("actorkit_unfinished") == 5
    boxed.box()
    finished(up, 10)
    assert boxed.numbers() == Counter(range(0, 10, 2))
    assert down.metric("actorkit_events_dropped_total", reason="dead-letter") == 5


def test_an_event_is_not_acknowledged_before_its_letter_is_on_the_disk(boxed: Boxed) -> None:
    box = boxed.box()
    boxed.down()
    until(box.ready, "the box is there")
    box.signal(SIGSTOP)
    up = boxed.up(3)
    until(lambda: up.metric("actorkit_events_out_total") == 3, "all is sent")
    assert up.metric("actorkit_unfinished") == 3
    box.signal(SIGCONT)
    finished(up, 3)
    assert boxed.numbers() == Counter(range(3))


def test_a_full_box_holds_up_who_fails_until_there_is_room(boxed: Boxed) -> None:
    event = Event.received(Event(b"x" * (40 << 20)).parcel())
    for _ in range(2):
        letter = letter_of(event, Failure("Bad", "no"), actor="down", instance="down-1", inbox="up")
        boxed.put(letter)
        event = Event.received(Event(b"x" * (24 << 20)).parcel())
    box = boxed.box(max_bytes=64 << 20)
    boxed.down()
    up = boxed.up(3)
    until(lambda: "the box is full" in box.said(), "it says so")
    assert up.metric("actorkit_unfinished") == 3
    limit, held = (box.metric(f"actorkit_dead_letters_{name}") for name in ("limit_bytes", "bytes"))
    assert held > 0.99 * limit
    assert command(box, "drop", "--reason", "Bad") == [{"dropped": 2}]
    finished(up, 3)


def test_the_box_tells_what_it_holds_and_drops_what_is_too_old(boxed: Boxed) -> None:
    event = Event.received(Event("old").parcel())
    for age_s in (1_000_000, 100):
        made = letter_of(event, Failure("Bad", "no"), actor="gone", instance="gone-1", inbox="up")
        made.record["time"] -= age_s  # type: ignore[index]  # a dict, before it is stored
        boxed.put(made)
        event = Event.received(Event("newer").parcel())
    box = boxed.box(keep_days=10)
    until(lambda: "1 letters older than 10 days were dropped" in box.said(), "it says so")
    assert [letter.body for letter in letters(boxed.folder)] == [b"newer"]
    until(lambda: box.metric("actorkit_dead_letters") == 1, "it counts")
    assert 100 <= box.metric("actorkit_dead_letters_oldest_seconds") < 200
    assert box.metric("actorkit_dead_letters_limit_seconds") == 864_000
    assert box.metric("actorkit_dead_letters_bytes") > 0
    assert box.metric("actorkit_dead_letters_limit_bytes") == 512 << 20


def test_what_is_no_letter_is_kept_as_one_and_ends_nothing(boxed: Boxed) -> None:
    box = boxed.box()
    up = boxed.fleet.start("up", "tests.probes:Source", outbox_dead="dead-letters", params=json.dumps({"count": 2}))
    finished(up, 2)
    assert {letter.failure.kind for letter in letters(boxed.folder)} == {"MalformedEvent"}
    assert [letter.actor for letter in letters(boxed.folder)] == ["dead-letters"] * 2
    assert box.alive


def test_a_retry_that_is_killed_loses_nothing_and_its_repeats_are_recognised(boxed: Boxed, tmp_path: Path) -> None:
    box, down = boxed.box(), boxed.down()
    count = 400
    finished(boxed.up(count), count)
    down.kill()
    # The same actor, mended: it passes on what failed before.
    file = tmp_path / "seen"
    sink = boxed.fleet.start("sink", "tests.probes:Sink", params=json.dumps({"file": str(file)}))
    boxed.down(2, fail_every=0, outbox_sink="sink")
    for rate in ("300", "200"):
        retry = Process(
            environment(box),
            tmp_path / f"retry-{rate}.log",
            command=(sys.executable, "-m", "actorkit.deadletters.cli", "retry", "all", "--rate", rate),
        )
        left = sum(boxed.numbers().values())
        boxed.until_fewer(left - 20)
        retry.kill()
    left = sum(boxed.numbers().values())
    assert 0 < left < count
    (done,) = command(box, "retry", "all")
    assert done == {"sent": left}
    assert boxed.numbers() == Counter()
    assert sink.stop() == 0
    assert json.loads(file.read_text())["seen"] == {str(number): 1 for number in range(count)}


def test_a_retry_keeps_to_its_rate_and_ends_with_who_asked_for_it(boxed: Boxed, tmp_path: Path) -> None:
    box, down = boxed.box(), boxed.down()
    finished(boxed.up(200), 200)
    down.kill()
    boxed.down(2, fail_every=0)
    (done,) = command(box, "retry", "all", "--limit", "10", "--rate", "50")
    assert done == {"sent": 10}
    retry = subprocess.run(
        [sys.executable, "-m", "actorkit.deadletters.cli", "retry", "--attached", "--rate", "5"],
        env=environment(box),
        input=b'["all"]\n',
        capture_output=True,
        timeout=60,
    )
    assert json.loads(retry.stdout)["sent"] <= 5, "its input has ended: nobody waits for it"
    assert sum(boxed.numbers().values()) >= 185


def test_a_retry_to_who_is_not_there_is_told_and_keeps_the_letters(boxed: Boxed) -> None:
    boxed.folder.mkdir()
    event = Event.received(Event("x").parcel())
    letter = letter_of(event, Failure("Bad", "no"), actor="gone", instance="gone-1", inbox="up")
    boxed.put(letter)
    box = boxed.box()
    done = subprocess.run(
        [sys.executable, "-m", "actorkit.deadletters.cli", "retry", "all"],
        env=environment(box),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (
        1,
        'actorkit: there is no actor "gone" to send its letters to; there are: down\n',
    )
    assert len(list(letters(boxed.folder))) == 1


def test_a_box_whose_folder_cannot_be_used_says_so(boxed: Boxed) -> None:
    boxed.folder.mkdir()
    (boxed.folder / FILE).mkdir()
    box = boxed.box()
    assert box.wait() == 78
    assert "folder: the dead letters in" in box.said()
