"""null, stdout, data, generator: each from the snippet that a user would write."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from actorkit import Event, Failure, Http
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.flow.data import Data
from actorkit_actors.flow.generator import Generator, wait_s
from actorkit_actors.flow.null import Null
from actorkit_actors.flow.stdout import Stdout
from tests.fleet import PYTHONPATH


def test_null_sends_nothing_and_fails_nothing() -> None:
    harness = Harness(Null)
    harness.put(Event("x"))
    assert harness.taken() == []
    assert harness.errors == []


def test_stdout_writes_the_data_and_passes_the_event_on(capsys: pytest.CaptureFixture[str]) -> None:
    harness = Harness(Stdout, prefix="> ")
    event = Event({"name": "Jürgen"}, attributes={"x": 1})
    harness.put(event)
    assert capsys.readouterr().out == '> {"name":"Jürgen"}\n'
    [passed] = harness.taken()
    assert (passed.id, passed.data, passed.get("x")) == (event.id, {"name": "Jürgen"}, 1)


def test_stdout_writes_the_time_when_asked_to(capsys: pytest.CaptureFixture[str]) -> None:
    Harness(Stdout, timestamp=True).put(Event("x"))
    written = capsys.readouterr().out
    assert written.startswith("[2")
    assert written.endswith("+00:00] x\n")


def test_stdout_writes_everything_but_credentials_when_asked_to(capsys: pytest.CaptureFixture[str]) -> None:
    event = Event("x", http=Http(headers={"authorization": "Basic c2VjcmV0", "accept": "*/*"}), attributes={"n": 1})
    event.failure = Failure("MalformedEvent", "no total", 400)
    Harness(Stdout, complete=True).put(event)
    written = capsys.readouterr().out
    assert event.trace in written
    assert "no total" in written
    assert '"accept":"*/*"' in written
    assert "c2VjcmV0" not in written


def test_stdout_writes_to_a_terminal_that_has_no_umlauts() -> None:
    code = """
from actorkit import Event
from actorkit.testing import Harness
from actorkit_actors.flow.stdout import Stdout
harness = Harness(Stdout)
harness.put(Event(chr(252)))
assert not harness.errors
"""
    terminal = {"PYTHONPATH": PYTHONPATH, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], env=terminal, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"\\xfc\n", b"")


@pytest.mark.parametrize(
    ("params", "encoded"),
    [
        ({"data": "hello"}, ("t", b"hello")),
        ({"data": {"a": 1}}, ("j", b'{"a":1}')),
        ({"data": '{"a": 1}', "format": "json"}, ("j", b'{"a":1}')),
        ({"data": {"a": 1}, "format": "json"}, ("j", b'{"a":1}')),
        ({"data": "<a><b/></a>", "format": "xml"}, ("x", b"<a><b/></a>")),
        ({"data": {"a": 1}, "format": "xml"}, ("x", b"<a>1</a>")),
        ({"data": {"a": 1}, "format": "text"}, ("t", b'{"a":1}')),
        ({"data": None}, ("n", b"")),
    ],
)
def test_data_replaces_the_data_and_keeps_the_rest(params: dict[str, Any], encoded: tuple[str, bytes]) -> None:
    harness = Harness(Data, attributes={"b": 2}, **params)
    event = Event("old", attributes={"a": 1})
    harness.put(event)
    harness.put(event)
    for replaced in harness.taken():
        assert replaced.encoded() == encoded
        assert replaced.trace == event.trace
        assert replaced.attributes == {"a": 1, "b": 2}


def test_data_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "form.xml"
    path.write_text("<form>ä</form>", encoding="utf-8")
    harness = Harness(Data, text={"file": str(path)}, format="xml")
    harness.put(Event("old"))
    assert harness.taken()[0].encoded() == ("x", "<form>ä</form>".encode())
    with pytest.raises(SettingsError, match="not both"):
        Harness(Data, text="a", data="b")


@pytest.mark.parametrize(("data", "format_"), [("<a>", "xml"), ("{", "json"), (None, "xml")])
def test_data_that_cannot_be_had_is_found_before_the_first_event(data: Any, format_: str) -> None:
    with pytest.raises(SettingsError, match="data: it cannot be had"):
        Harness(Data, data=data, format=format_)


def test_a_generator_numbers_its_events_and_ends_after_count() -> None:
    harness = Harness(Generator, interval_s=0, count=3, data={"a": 1}, attributes={"x": "y"}, service="feed")
    made = harness.produce(10)
    assert [event.get("number") for event in made] == [0, 1, 2]
    assert [event.data for event in harness.taken()] == [{"a": 1}] * 3
    assert {event.get("x") for event in made} == {"y"}
    assert {event.service for event in made} == {"feed"}
    assert len({event.id for event in made}) == 3


def test_a_generator_keeps_its_interval_however_long_its_events_take() -> None:
    waits = [wait_s(number, 2.0, since_s) for number, since_s in enumerate([-3.0, 0.5, 5.0, 5.0, 6.5])]
    assert waits == [3.0, 1.5, 0.0, 1.0, 1.5], "what is late is made up for at once, and the times do not drift"


def test_a_generator_makes_no_event_before_its_time() -> None:
    harness = Harness(Generator, interval_s=0.05, delay_s=0.05)
    started = time.monotonic()
    for number, _ in enumerate(islice(harness.actor.produce(), 4)):
        assert time.monotonic() - started >= 0.05 * (number + 1) - 0.001


def test_two_generators_have_their_own_intervals() -> None:
    slow, fast = Harness(Generator, interval_s=60.0), Harness(Generator, interval_s=0.001)
    started = time.monotonic()
    fast.produce(3)
    slow.produce(1)
    assert time.monotonic() - started < 5


def test_a_generator_stops_when_its_instance_does() -> None:
    harness = Harness(Generator, interval_s=0)
    harness.produce(2)
    harness.draining = True
    assert harness.produce(2) == []


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(SettingsError, match='Did you mean "prefix"'):
        Harness(Stdout, prefx=">")
