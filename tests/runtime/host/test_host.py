"""What a host makes of its settings: the sender of a connection is the one that the connection's options ask for."""

from __future__ import annotations

from collections import defaultdict

from actorkit import Actor, Event, JSONEvent
from actorkit.director import Director
from actorkit.edge.at_most_once import AtMostOnceSender
from actorkit.edge.keyed import KeyedSender
from tests.runtime.directing import Asker, Keep
from tests.until import until


class Labels(Actor):
    """Sends numbers with a label, which is one of three."""

    def consume(self, event: JSONEvent) -> Event:
        return event.replace(data={"label": event.data % 3, "number": event.data})


def test_a_connection_with_a_key_looks_the_key_up_in_every_event(director: Director) -> None:
    ask, labels = director.register_actor(Asker, "asker"), director.register_actor(Labels, "labels")
    keep = director.register_actor(Keep, "keep")
    director.connect_queue(ask, labels)
    director.connect_queue(labels, keep, key="data/label")
    director.start(block=False)
    director.wait_ready()
    (connector,) = director.host("labels").connectors["keep"]
    assert isinstance(connector.sender, KeyedSender)
    for number in range(30):
        director.host("asker").actor.send(JSONEvent(number))
    kept = director.host("keep").actor
    assert isinstance(kept, Keep)
    until(lambda: len(kept.kept) == 30)
    found = defaultdict(list)
    for event in kept.kept:
        data = event.convert(JSONEvent).data
        found[data["label"]].append(data["number"])
    assert found == {label: list(range(label, 30, 3)) for label in range(3)}
    until(lambda: director.host("labels").idle)


def test_a_connection_that_delivers_at_most_once_waits_for_nobody(director: Director) -> None:
    ask, keep = director.register_actor(Asker, "asker"), director.register_actor(Keep, "keep")
    director.connect_queue(ask, keep, delivery="at-most-once")
    director.start(block=False)
    director.wait_ready()
    host = director.host("asker")
    (connector,) = host.connectors["keep"]
    assert isinstance(connector.sender, AtMostOnceSender)
    host.actor.send(JSONEvent(1))
    assert host.outboxes.roots == 0
    kept = director.host("keep").actor
    assert isinstance(kept, Keep)
    until(lambda: kept.kept)
