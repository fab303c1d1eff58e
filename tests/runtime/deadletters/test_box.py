"""Events that failed where no error outbox takes them: kept on disk, shown, sent once more, dropped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from actorkit import ErrorMessage, Event, Failure, Http, MalformedEvent, Unauthorized, settings
from actorkit.deadletters import cli
from actorkit.deadletters.box import Box, DeadLetterError, drop, letters
from tests.fleet import PYTHONPATH, Fleet, Process
from tests.until import until

#: The least that an environment must say.
GOOD = {"ACTORKIT_ACTOR": "down", "ACTORKIT_CLASS": "tests.probes:Pass"}

FAILURE = Failure("MalformedEvent", "no good", 400, "down", {"line": 3})


def received(data: Any = b"x", **context: Any) -> Event:
    return Event.received(Event(data, **context).parcel())


def test_a_letter_holds_the_event_as_it_came(tmp_path: Path) -> None:
    box = Box(tmp_path / "box", "down", "down-1")
    parcel = Event(b"\xff\x00", service="s", attributes={"a": [1]}, http=Http(path="/x")).parcel()
    parcel.trail = "web/auth"
    event = Event.received(parcel)
    event.data = "changed"
    box.put(event, FAILURE, "up")
    (letter,) = letters(tmp_path / "box")
    assert (letter.id, letter.trace, letter.actor, letter.inbox) == (event.id, event.trace, "down", "up")
    assert (letter.failure, letter.format, letter.body) == (FAILURE, "b", b"\xff\x00")
    again = Event.received(letter.parcel())
    assert (again.data, again.service, again.attributes, again.http) == (b"\xff\x00", "s", {"a": [1]}, Http(path="/x"))
    assert again.id != event.id
    assert again.trace == event.trace
    assert again.trail == event.trail == ("web", "auth")
    assert again.failure is None


def test_dropping_one_letter_leaves_the_others(tmp_path: Path) -> None:
    box = Box(tmp_path, "down", "down-1")
    events = [received({"n": number}) for number in range(3)]
    for event in events:
        box.put(event, FAILURE, "up")
    drop(next(letter for letter in letters(tmp_path) if letter.id == events[1].id))
    assert [letter.id for letter in letters(tmp_path)] == [events[0].id, events[2].id]
    box.put(events[1], FAILURE, "up")
    for letter in letters(tmp_path):
        drop(letter)
    assert list(tmp_path.iterdir()) == []


def test_what_is_left_after_a_drop_is_on_disk_and_as_private_as_before(
    tmp_path: Path,
) -> None:
    box = Box(tmp_path / "box", "down", "down-1")
    for number in range(2):
        box.put(received({"n": number}), FAILURE, "up")
    first, second = letters(tmp_path / "box")
    assert first.file.stat().st_mode & 0o777 == 0o600
    assert first.file.parent.stat().st_mode & 0o777 == 0o700
    first.file.chmod(0o640)
    first.file.with_suffix(".new").write_text("left by one that was killed")
    synced: list[str] = []

    def sync(number: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{number}").readlink()))
        os.fsync(number)

    drop(first, sync)
    assert synced == [str(first.file.with_suffix(".new")), str(first.file.parent)]
    assert [path.name for path in first.file.parent.iterdir()] == [first.file.name]
    assert (first.file.stat().st_mode & 0o777, [one.id for one in letters(tmp_path / "box")]) == (0o640, [second.id])
    synced.clear()
    drop(second, sync)
    assert synced == [str(first.file.parent)]


def test_a_letter_keeps_all_messages_of_its_failure(tmp_path: Path) -> None:
    failure = Failure.of(MalformedEvent(["e1", ErrorMessage("e2", "C2", {"line": 3})], code="C9"), "down")
    unauthorized = Failure.of(Unauthorized("who"), "down")
    for reason in (failure, unauthorized):
        Box(tmp_path, "down", "down-1").put(received(), reason, "up")
    assert [letter.failure for letter in letters(tmp_path)] == [failure, unauthorized]


def test_a_line_that_was_never_finished_is_passed_over_and_a_bad_one_is_named(tmp_path: Path) -> None:
    Box(tmp_path, "down", "down-1").put(received(), FAILURE, "up")
    file = next(tmp_path.iterdir())
    with file.open("ab") as out:
        out.write(b'{"id": "cut off')
    assert len(list(letters(tmp_path))) == 1
    for bad in (b"{}\n", b"[" * 50_000 + b"\n"):
        file.write_bytes(bad)
        with pytest.raises(DeadLetterError, match=rf"{file.name}:1: this is no event"):
            list(letters(tmp_path))


def test_a_line_that_was_never_finished_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    box = Box(tmp_path, "down", "down-1")
    events = [received({"n": number}) for number in range(2)]
    box.put(events[0], FAILURE, "up")
    (file,) = tmp_path.iterdir()
    with file.open("ab") as out:
        out.write(b'{"id": "cut off by SIGKILL')
    box.put(events[1], FAILURE, "up")
    assert [letter.id for letter in letters(tmp_path)] == [event.id for event in events]
    file.write_bytes(b'{"id": "the only line, cut off')
    box.put(events[0], FAILURE, "up")
    assert [letter.id for letter in letters(tmp_path)] == [events[0].id]


def test_a_text_with_line_separators_is_shown_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "one\u2028two\x85three\x0bfour\r\nfive"
    Box(tmp_path, "down", "down-1").put(received(text), FAILURE, "up")
    cli.COMMANDS["show"](list(letters(tmp_path)), settings.read(GOOD))
    assert json.loads(capsys.readouterr().out)["body"] == {"text": text}


def command(process: Process, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "actorkit.deadletters.cli", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": PYTHONPATH, **process.variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_failed_event_is_stored_before_it_is_acknowledged_and_can_be_sent_again(fleet: Fleet, tmp_path: Path) -> None:
    box = str(tmp_path / "box")
    down = fleet.start("down", "tests.probes:Pass", params='{"fail_every": 2}', dead_letters=box)
    up = fleet.start("up", "tests.probes:Source", outbox_down="down", params='{"count": 5}')
    until(lambda: up.metric("actorkit_events_out_total") == 5, "all is sent")
    until(lambda: up.metric("actorkit_unfinished") == 0, "all is acknowledged")
    assert down.metric("actorkit_events_dropped_total", reason="dead-letter") == 3
    listed = [json.loads(line) for line in command(down, "list").stdout.splitlines()]
    assert [(entry["reason"], entry["message"], entry["inbox"]) for entry in listed] == [
        ("MalformedEvent", "not this one", "up")
    ] * 3
    shown = json.loads(command(down, "show", listed[1]["id"]).stdout)
    assert shown["body"] == {"text": '{"number":2}'}
    assert (shown["trail"], listed[1]["trail"]) == (["up"], ["up"])
    assert json.loads(command(down, "retry", listed[1]["id"]).stdout) == {"sent": 1}
    again = [json.loads(line) for line in command(down, "list").stdout.splitlines()]
    assert len(again) == 3
    assert {entry["id"] for entry in again} > {listed[0]["id"], listed[2]["id"]}
    assert listed[1]["id"] not in {entry["id"] for entry in again}
    assert json.loads(command(down, "drop", "all").stdout) == {"dropped": 3}
    assert command(down, "list").stdout == ""
    refused = command(down, "drop", "0123")
    assert (refused.returncode, refused.stderr) == (
        1,
        'actorkit: no event "0123" of down is in the box; list shows what is\n',
    )


def test_what_cannot_be_stored_is_not_acknowledged(fleet: Fleet, tmp_path: Path) -> None:
    blocked = tmp_path / "box"
    blocked.write_text("a file where the folder should be")
    down = fleet.start("down", "tests.probes:Pass", params='{"fail_every": 1}', dead_letters=str(blocked))
    up = fleet.start("up", "tests.probes:Source", outbox_down="down", params='{"count": 1}')
    until(lambda: "cannot be written" in down.log.read_text(), "it says so")
    assert up.metric("actorkit_unfinished") == 1
    blocked.unlink()
    until(lambda: up.metric("actorkit_unfinished") == 0, "acknowledged once it is stored")
    assert len(list(letters(blocked))) == 1
