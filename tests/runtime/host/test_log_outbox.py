"""The `log` outbox: what an actor logs arrives as events, whatever it logs."""

from __future__ import annotations

import logging

import pytest

from actorkit import Actor, Event, JSONEvent
from actorkit.director import Director
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


def test_a_record_that_cannot_be_told_is_left_out(
    director: Director, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)  # pytest's own handler raises what logging's print
    asker = director.host("asker").actor
    assert asker.request(JSONEvent("arguments that do not fit"), timeout_s=5).failure is None
    assert asker.request(JSONEvent("fine"), timeout_s=5).failure is None
    until(lambda: keep.kept)
    assert [kept.convert(JSONEvent).data["message"] for kept in keep.kept] == ["it says: fine"]
