"""An instance tells its place in the graph: what it is, who sends to it, whom it sends to; and no secret."""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from actorkit import Actor, Event
from actorkit.edge import wire
from actorkit.host.graph import graph_at
from tests.fleet import Fleet, fetch
from tests.runtime.host.setting import DOWN, Setting
from tests.runtime.observe.metric_actors import Asks, parcel
from tests.until import until


class Guarded(Actor):
    """Has parameters of which some are not for everybody."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        password: Annotated[str, Meta(extra={"secret": True})]
        pin: Annotated[str, Meta(extra={"secret": True})] = ""
        url: str = ""
        headers: dict[str, str] = msgspec.field(default_factory=dict)
        currency: str = "EUR"

    def consume(self, event: Event) -> Event:
        return event


def test_a_connection_tells_its_peers_with_credit_and_what_is_under_way(setting: Setting) -> None:
    host = setting.start(Asks, f"{DOWN}#mid")
    down = setting.receiver()
    down.welcome(window=2)
    for _ in range(3):
        host.actor.send(Event(b"order"))
    down.hear_events(2)
    (connection,) = graph_at(host)["outboxes"]["down"]
    (peer,) = connection["peers"]
    assert (connection["destination"], connection["inbox"], connection["delivery"]) == ("down", "mid", "at-least-once")
    assert (connection["in_flight"], connection["waiting"]) == (2, 3)
    assert (peer["credit"], peer["in_flight"], peer["waiting"]) == (0, 2, 2)
    down.say(wire.Ack(2, 1))
    down.hear_events(1)
    (peer,) = graph_at(host)["outboxes"]["down"][0]["peers"]
    assert (peer["credit"], peer["in_flight"], peer["waiting"]) == (1, 2, 1)
    down.say(wire.Ack(3, 3))
    until(lambda: host.idle, "all is acknowledged")


def test_an_inbox_tells_who_sends_and_what_of_it_is_unfinished(setting: Setting) -> None:
    host = setting.start(Guarded, f"{DOWN}#mid", params={"password": "correct horse"})
    up, down = setting.sender(host), setting.receiver()
    down.welcome()
    up.hello()
    up.batch(parcel(trail="up"), parcel(trail="up"))
    down.hear_events(2)
    (peers,) = graph_at(host)["inboxes"].values()
    assert [(peer["instance"], peer["unfinished"]) for peer in peers] == [("up-1", 2)]
    down.say(wire.Ack(2, 2))
    until(lambda: host.idle, "all is acknowledged")


def test_no_secret_is_shown_wherever_it_stands(setting: Setting) -> None:
    given: dict[str, Any] = {
        "password": "correct horse",
        "pin": "123",
        "url": "https://me:correct horse@shop",
        "headers": {"Authorization": "Basic eA==", "Accept": "text/xml"},
    }
    told = graph_at(setting.start(Guarded, params=given))["parameters"]
    assert (told["password"], told["pin"]) == ("[secret]", "[secret]")
    assert told["url"] == "https://me:[secret]@shop"
    assert told["headers"] == {"Authorization": "[secret]", "Accept": "text/xml"}
    assert (told["currency"], told["concurrency"]) == ("EUR", 1)


def test_a_process_serves_its_place_in_the_graph(fleet: Fleet) -> None:
    process = fleet.start("pass", "tests.probes:Pass", outbox_down="pass")
    until(process.ready, "it is ready")
    status, text = fetch(f"{process.admin}/graph")
    told = json.loads(text)
    assert (status, told["actor"], told["class"], told["not_ready"]) == (200, "pass", "tests.probes:Pass", "")
    assert [peer["draining"] for peer in told["outboxes"]["down"][0]["peers"]] == [False]
