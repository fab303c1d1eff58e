"""Events that failed where no error outbox takes them: kept on disk, shown, sent once more, dropped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from actorkit import ErrorMessage, Event, Failure, Http, MalformedEvent, Unauthorized
from actorkit.deadletters import cli
from actorkit.deadletters.box import letters
from actorkit.deadletters.letter import MAX_RECORD_BYTES, Letter, letter_context, letter_of
from actorkit.event.context import decode_context
from tests.fleet import PYTHONPATH, Fleet, Process
from tests.runtime.deadletters.keeping import keep
from tests.until import until

FAILURE = Failure("MalformedEvent", "no good", 400, "down", {"line": 3})


def received(data: Any = b"x", **context: Any) -> Event:
    return Event.received(Event(data, **context).parcel())


def test_a_letter_holds_the_event_as_it_came(tmp_path: Path) -> None:
    parcel = Event(b"\xff\x00", service="s", attributes={"a": [1]}, http=Http(path="/x")).parcel()
    parcel.trail = "web/auth"
    event = Event.received(parcel)
    event.data = "changed"
    keep(tmp_path / "box", event, FAILURE)
    (letter,) = letters(tmp_path / "box")
    assert (letter.id, letter.trace, letter.actor, letter.inbox) == (event.id, event.trace, "down", "up")
    assert (letter.failure, letter.format, letter.body) == (FAILURE, "b", b"\xff\x00")
    again = Event.received(letter.parcel())
    assert (again.data, again.service, again.attributes, again.http) == (b"\xff\x00", "s", {"a": [1]}, Http(path="/x"))
    assert again.id != event.id
    assert again.trace == event.trace
    assert again.trail == event.trail == ("web", "auth")
    assert again.failure is None


def test_a_letter_is_sent_again_under_the_same_id_each_time(tmp_path: Path) -> None:
    keep(tmp_path, received(), FAILURE)
    (letter,), (same,) = letters(tmp_path), letters(tmp_path)
    assert letter.parcel().id == same.parcel().id


def test_a_letter_keeps_all_messages_of_its_failure(tmp_path: Path) -> None:
    failure = Failure.of(MalformedEvent(["e1", ErrorMessage("e2", "C2", {"line": 3})], code="C9"), "down")
    unauthorized = Failure.of(Unauthorized("who"), "down")
    for reason in (failure, unauthorized):
        keep(tmp_path, received(), reason)
    assert [letter.failure for letter in letters(tmp_path)] == [failure, unauthorized]


def test_a_letter_travels_with_any_attributes_that_its_event_could_have() -> None:
    for characters in (10, 6 << 20, 14 << 20):
        event = received(attributes={"long": "a" * characters})
        letter = letter_of(event, FAILURE, actor="down", instance="down-1", inbox="up")
        context = decode_context(letter_context(letter))
        come = Letter.read(context.attributes["letter"], letter.body)
        assert come.parcel().id == letter.parcel().id
        kept = len(letter.text) <= MAX_RECORD_BYTES
        assert come.left_out == (() if kept else ("context",))
        assert come.context.attributes == (event.attributes if kept else {})


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 50_000, '{"id": 1}', '{"id": "x", "trace": "y"}'])
def test_what_is_no_letter_is_refused(text: str) -> None:
    with pytest.raises(MalformedEvent, match="this is no dead letter"):
        Letter.read(text, b"")


def command(process: Process, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "actorkit.deadletters.cli", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": PYTHONPATH, **process.variables},
        capture_output=True,
        input=given,
        timeout=60,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_a_text_with_line_separators_is_shown_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "one\u2028two\x85three\x0bfour\r\nfive"
    keep(tmp_path, received(text), FAILURE)
    for name, value in (("ACTOR", "down"), ("CLASS", "tests.probes:Pass"), ("DEAD_LETTERS", str(tmp_path))):
        monkeypatch.setenv(f"ACTORKIT_{name}", value)
    assert cli.main(["show"]) == 0
    assert json.loads(capsys.readouterr().out)["body"] == {"text": text}


def test_a_failed_event_is_stored_before_it_is_acknowledged_and_can_be_sent_again(fleet: Fleet, tmp_path: Path) -> None:
    box = str(tmp_path / "box")
    down = fleet.start("down", "tests.probes:Pass", params='{"fail_every": 2}', dead_letters=box)
    up = fleet.start("up", "tests.probes:Source", outbox_down="down", params='{"count": 5}')
    until(lambda: up.metric("actorkit_events_out_total") == 5, "all is sent")
    until(lambda: up.metric("actorkit_unfinished") == 0, "all is acknowledged")
    assert down.metric("actorkit_events_dropped_total", reason="dead-letter") == 3
    listed = [json.loads(line) for line in command(down, "list").stdout.splitlines()]
    assert [(entry["reason"], entry["message"], entry["inbox"], entry["attempts"]) for entry in listed] == [
        ("MalformedEvent", "not this one", "up", 1)
    ] * 3
    shown = json.loads(command(down, "show", listed[1]["id"]).stdout)
    assert shown["body"] == {"text": '{"number":2}'}
    assert (shown["trail"], listed[1]["trail"], listed[1]["bytes"]) == (["up"], ["up"], 12)
    assert json.loads(command(down, "retry", listed[1]["id"]).stdout) == {"sent": 1}
    again = [json.loads(line) for line in command(down, "list").stdout.splitlines()]
    assert [entry["attempts"] for entry in again] == [1, 1, 2]
    assert [entry["id"] for entry in again[:2]] == [listed[0]["id"], listed[2]["id"]]
    assert again[2]["trace"] == listed[1]["trace"]
    assert json.loads(command(down, "drop", "all").stdout) == {"dropped": 3}
    assert command(down, "list").stdout == ""
    refused = command(down, "drop", "0123", "--actor", "down")
    assert (refused.returncode, refused.stderr) == (
        2,
        'actorkit: "down" has no dead letters here. Actors that can have some: none.\n',
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
