"""Every instance records the same traces, and what is recorded is consumed as everything else is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from actorkit import Actor, Event
from actorkit.event.parcel import Parcel
from actorkit.transport.endpoint import Endpoint
from tests.runtime.host.setting import DOWN, Setting
from tests.until import until

#: One trace of two is recorded: those below this one.
HALF = 1 << 63

ADMIN = Endpoint.of_address("127.0.0.1:0")


class Passes(Actor):
    def consume(self, event: Event) -> Event:
        return event


class Batches(Actor):
    Params = Actor.BatchParams

    def consume_batch(self, events: Sequence[Event]) -> list[Event]:
        return list(events)


def events(*traces: int) -> list[Parcel]:
    """Events of these traces: every other one begins its own, so that its id is the trace."""
    begun = [Parcel(trace, 0, "b", b"x", b"") for trace in traces]
    made = [Parcel(trace + 1, trace, "b", b"x", b"") for trace in traces]
    return [begun[number] if number % 2 else made[number] for number in range(len(traces))]


@pytest.mark.parametrize("cls", [Passes, Batches])
def test_what_is_recorded_follows_from_the_trace_and_all_is_consumed_in_order(
    setting: Setting, cls: type[Actor]
) -> None:
    host = setting.start(cls, f"{DOWN}#mid", admin=ADMIN, sample_every=2)
    up, down = setting.sender(host), setting.receiver()
    down.welcome()
    up.hello()
    sent = events(HALF + 10, 20, 30, HALF + 40, HALF + 50, 60)
    up.batch(*sent)
    assert [one.trace for one in down.hear_events(6)] == [one.trace or one.id for one in sent]
    recorded: list[dict[str, Any]] = host.recent.as_json()["sampled"]
    assert [int(one["trace"], 16) for one in recorded] == [20, 30, 60]
    assert {(one["inbox"], one["from"]) for one in recorded} == {("up", "up-1")}
    assert all(("seconds" in one) is (cls is Passes) for one in recorded)


def test_nothing_is_recorded_where_nobody_could_ask(setting: Setting) -> None:
    host = setting.start(Passes, f"{DOWN}#mid", sample_every=1)
    up, down = setting.sender(host), setting.receiver()
    down.welcome()
    up.hello()
    up.batch(*events(1, 2))
    down.hear_events(2)
    assert host.recent.as_json() == {"sampled_every": 0, "failures": [], "sampled": []}


def test_only_the_last_ones_are_kept(setting: Setting) -> None:
    host = setting.start(Passes, admin=ADMIN, sample_every=1)
    up = setting.sender(host)
    up.hello(window=1000)
    up.batch(*events(*range(1, 301)))
    up.hear_floor(300)
    recorded = host.recent.as_json()["sampled"]
    assert [int(one["trace"], 16) for one in recorded] == list(range(45, 301))


def test_what_an_operator_puts_in_is_recorded_as_long_as_somebody_looks(setting: Setting) -> None:
    host = setting.start(Passes, f"{DOWN}#mid", admin=ADMIN)
    up, down = setting.sender(host), setting.receiver()
    down.welcome()
    up.hello()
    host.recent.attend(0.2)
    up.batch(*events(HALF, 20, 1 << 32, 30))
    down.hear_events(4)
    assert [int(one["trace"], 16) for one in host.recent.as_json()["sampled"]] == [20, 30]
    assert host.consumer is not None
    consumer = host.consumer
    until(lambda: consumer.intake.admit == host.receiver.dedup.admit, "nothing stands in the way any more")
    up.batch(*events(40, 50))
    down.hear_events(2)
    assert len(host.recent.as_json()["sampled"]) == 2
