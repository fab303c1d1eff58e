"""The `log` outbox: what an actor logs arrives as events, whatever it logs."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import pytest

from actorkit import Actor, Event, JSONEvent
from actorkit.director import Director
from tests.fleet import PYTHONPATH
from tests.runtime.directing import Asker, Keep, begin
from tests.until import until


class Talker(Actor):
    """Logs what it gets."""

    def consume(self, event: JSONEvent) -> Event:
        match event.data:
            case "arguments that do not fit":
                self.log.warning("%d", "one")
            case text:
                self.log.warning("it says: %s", text)
        return event


@pytest.fixture
def keep(director: Director) -> Keep:
    ask, talker = director.register_actor(Asker, "asker"), director.register_actor(Talker, "talker")
    keeper = director.register_actor(Keep, "keep")
    director.connect_queue(ask, talker)
    director.connect_queue(talker, ask)
    director.connect_log_queue(talker, keeper)
    begin(director)
    actor = director.host("keep").actor
    assert isinstance(actor, Keep)
    return actor


@pytest.mark.parametrize(
    ("text", "message"), [("hello", "it says: hello"), ("\udcff", "it says: \\udcff"), ("{}", "it says: {}")]
)
def test_what_is_logged_arrives_as_an_event(director: Director, keep: Keep, text: str, message: str) -> None:
    director.host("talker").actor.log.warning("it says: %s", text)
    until(lambda: keep.kept)
    (event,) = (kept.convert(JSONEvent) for kept in keep.kept)
    assert event.data["message"] == message
    assert (event.data["actor"], event.data["level"]) == ("talker", "warning")


def both(kept: list[Event]) -> bool:
    return len(kept) == 2


def test_a_record_belongs_to_the_trace_of_the_event_that_was_consumed(director: Director) -> None:
    ask, talker = director.register_actor(Asker, "asker"), director.register_actor(Talker, "talker")
    keepers = [director.register_actor(Keep, name) for name in ("keep", "copy")]
    director.connect_queue(ask, talker)
    director.connect_queue(talker, ask)
    for keeper in keepers:
        director.connect_log_queue(talker, keeper)
    asker = begin(director)
    answers = [asker.request(JSONEvent(text), timeout_s=5) for text in ("one", "two")]
    for keeper in keepers:
        actor = director.host(keeper.name).actor
        assert isinstance(actor, Keep)
        kept = actor.kept
        until(partial(both, kept))
        assert [record.trace for record in kept] == [answer.trace for answer in answers]
        assert not {record.id for record in kept} & {answer.id for answer in answers}


PROGRAM = """
from actorkit import JSONEvent
from actorkit.director import Director
from tests.runtime.directing import Asker, Keep, begin
from tests.runtime.host.test_log_outbox import Talker
from tests.until import until

director = Director("test")
ask, talker = director.register_actor(Asker, "asker"), director.register_actor(Talker, "talker")
keep = director.register_actor(Keep, "keep")
director.connect_queue(ask, talker)
director.connect_queue(talker, ask)
director.connect_log_queue(talker, keep)
asker = begin(director)
for text in ("arguments that do not fit", "fine"):
    assert asker.request(JSONEvent(text), timeout_s=5).failure is None
kept = until(lambda: director.host("keep").actor.kept, "a record arrives")
print([one.convert(JSONEvent).data["message"] for one in kept])
director.stop()
"""


def test_a_record_that_cannot_be_told_is_left_out() -> None:
    """In a process of its own: pytest's handler would raise what logging's print."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "['it says: fine']\n"), done.stderr
    assert "not all arguments converted" in done.stderr or "TypeError" in done.stderr
