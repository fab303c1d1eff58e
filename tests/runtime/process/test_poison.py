"""One event that cannot be finished: it ends in the dead letters, all others arrive, and every process lives on."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from actorkit.deadletters.box import letters
from actorkit.deadletters.letter import Letter
from tests.fleet import Fleet, fetch
from tests.until import until

BAD = 4321


class Line:
    """source → replicas of an actor that one event is poison for → sink. What ends is started again."""

    def __init__(
        self,
        fleet: Fleet,
        folder: Path,
        count: int,
        replicas: int,
        how: str,
        *,
        cls: str = "tests.probes:Poisoned",
        **params: object,
    ) -> None:
        self.fleet = fleet
        self.file = folder / "seen.json"
        self.box = folder / "box"
        self.box.mkdir()
        self.sink = fleet.start("sink", "tests.probes:Sink", params=json.dumps({"file": str(self.file)}))
        options = json.dumps({"number": min(BAD, count // 2), "how": how, **params})
        self.replicas = [
            fleet.start(
                "poisoned",
                cls,
                number,
                outbox_sink="sink",
                params=options,
                dead_letters=str(self.box),
                instance=f"poisoned-{number}",
            )
            for number in range(replicas)
        ]
        self.statuses: list[int] = []
        for process in [self.sink, *self.replicas]:
            until(process.ready, "it is ready")
        self.source = fleet.start(
            "source", "tests.probes:Source", outbox_poisoned="poisoned", params=json.dumps({"count": count})
        )

    def keep(self) -> None:
        """Start again what has ended."""
        for index, process in enumerate(self.replicas):
            status = process.popen.poll()
            if status is not None:
                self.statuses.append(status)
                self.replicas[index] = self.fleet.restart(process)

    def done(self) -> bool:
        self.keep()
        if not all(process.admin and fetch(f"{process.admin}/readyz")[0] == 200 for process in self.replicas):
            return False
        out = self.source.metric("actorkit_events_out_total")
        return out > 0 and self.source.metric("actorkit_unfinished") == 0

    def finish(self, timeout_s: float = 60.0) -> tuple[dict[str, int], list[Letter]]:
        """How often each number arrived, and the dead letters."""
        until(self.done, f"everything is acknowledged; {self.statuses}", timeout_s)
        assert self.source.stop() == 0
        assert [process.stop() for process in self.replicas] == [0] * len(self.replicas)
        assert self.sink.stop() == 0
        return json.loads(self.file.read_text())["seen"], list(letters(self.box))


def only_the_bad_one_is_missing(seen: dict[str, int], count: int, bad: int) -> None:
    assert seen.keys() == {str(number) for number in range(count)} - {str(bad)}
    assert set(seen.values()) == {1}


def test_one_poison_event_among_ten_thousand_stops_nobody_else(fleet: Fleet, tmp_path: Path) -> None:
    line = Line(fleet, tmp_path, 10_000, 4, "exit")
    seen, (letter,) = line.finish()
    only_the_bad_one_is_missing(seen, 10_000, BAD)
    assert json.loads(letter.body) == {"number": BAD}
    assert line.statuses == [9, 9, 9]
    failure = letter.failure
    assert (failure.kind, failure.status, failure.actor) == ("DeliveryLimit", 500, "poisoned")
    assert failure.message == f"3 instances were lost over the event: {'; '.join(['lost without a word'] * 3)}"


@pytest.mark.parametrize(
    ("how", "status", "told"),
    [
        ("kill", -signal.SIGKILL, "lost without a word"),
        ("crash", -signal.SIGSEGV, "lost without a word"),
        ("SystemExit", 1, "SystemExit: 3"),
        ("KeyboardInterrupt", 1, "KeyboardInterrupt"),
        ("CancelledError", 1, "CancelledError"),
        ("GreenletExit", 1, "GreenletExit"),
        ("Timeout", 1, "Timeout: 1 second"),
    ],
)
def test_whatever_ends_an_instance_is_tried_so_often_and_no_more(
    fleet: Fleet, tmp_path: Path, how: str, status: int, told: str
) -> None:
    line = Line(fleet, tmp_path, 200, 1, how, max_deliveries=2)
    seen, (letter,) = line.finish()
    only_the_bad_one_is_missing(seen, 200, 100)
    assert line.statuses == [status] * 2
    assert letter.failure.message == f"2 instances were lost over the event: {told}; {told}"


def test_an_event_that_names_itself_makes_no_suspect_of_others(fleet: Fleet, tmp_path: Path) -> None:
    line = Line(fleet, tmp_path, 2_000, 1, "SystemExit")
    seen, (letter,) = line.finish()
    only_the_bad_one_is_missing(seen, 2_000, 1_000)
    assert letter.failure.details["deliveries"] == 3


def test_many_workers_of_one_instance_tell_the_guilty_one_as_well(fleet: Fleet, tmp_path: Path) -> None:
    line = Line(fleet, tmp_path, 1_000, 2, "exit", concurrency=16)
    seen, _ = line.finish()
    only_the_bad_one_is_missing(seen, 1_000, 500)
    assert line.statuses == [9, 9, 9]


def test_a_source_whose_greenlet_is_killed_ends_its_instance(fleet: Fleet) -> None:
    fleet.start("down", "tests.probes:Pass")
    up = fleet.start("up", "tests.probes:Quitter", outbox_down="down")
    assert up.wait(20) == 1
    assert "produce failed" in up.log.read_text()
