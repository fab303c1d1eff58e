"""Every reason for which an actor drops an event is counted, as docs/metrics.md says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from actorkit import Actor, Event
from actorkit.edge import wire
from actorkit.edge.peers import Peers
from actorkit.event.parcel import ReplyTo, Waiter
from actorkit.host.host import Host
from actorkit.host.log_outbox import LOG_BACKLOG
from tests.places import DOCS
from tests.runtime.host.setting import DOWN, Setting
from tests.runtime.observe.metric_actors import Asks, Passes, parcel, read
from tests.runtime.observe.reading import Moved, value
from tests.until import until

MOVED = Moved()


class Fails(Actor):
    def consume(self, event: Event) -> Event:
        raise OSError("the disk is full")


def dropped(host: Host, reason: str, count: int) -> None:
    """Wait until so many events were dropped for that reason, and for no other."""
    name = "actorkit_events_dropped_total"
    until(lambda: value(read(host), name, reason=reason) >= count)
    MOVED.expect(read(host), name, count, reason=reason)
    MOVED.expect(read(host), name, count)
    REASONS.add(reason)


#: Reasons of drops that tests have seen.
REASONS: set[str] = set()


@MOVED.by("actorkit_events_failed_total", "actorkit_retries_total", "actorkit_events_dropped_total")
def test_an_event_that_fails_is_tried_again_and_counted_once(setting: Setting) -> None:
    host = setting.start(Fails, params={"retries": 2, "backoff_s": 0.001})
    up = setting.sender(host)
    up.hello(inbox="orders")
    up.batch(parcel())
    up.hear_floor(1)
    MOVED.expect(read(host), "actorkit_events_failed_total", 1, inbox="orders")
    MOVED.expect(read(host), "actorkit_retries_total", 2)
    dropped(host, "failed", 1)


@MOVED.by("actorkit_events_dropped_total")
def test_an_event_that_fails_and_is_kept_is_counted_as_a_dead_letter(setting: Setting, tmp_path: Path) -> None:
    host = setting.start(Fails, dead_letters=tmp_path)
    up = setting.sender(host)
    up.hello()
    up.batch(parcel(), parcel())
    up.hear_floor(2)
    dropped(host, "dead-letter", 2)


@MOVED.by("actorkit_events_dropped_total")
def test_an_event_without_an_outbox_to_go_to_is_counted(setting: Setting) -> None:
    host = setting.start(Passes)
    up = setting.sender(host)
    up.hello()
    up.batch(parcel())
    up.hear_floor(1)
    dropped(host, "unconnected", 1)


@pytest.mark.parametrize(
    ("reply_to", "reason"), [(None, "not-asked-for"), ({"mid": Waiter("mid-1", b"an old key")}, "late-answer")]
)
@MOVED.by("actorkit_events_dropped_total")
def test_an_answer_that_nobody_waits_for_is_counted(setting: Setting, reply_to: ReplyTo | None, reason: str) -> None:
    host = setting.start(Asks)
    up = setting.sender(host)
    up.hello()
    up.batch(parcel(reply_to=reply_to))
    up.hear_floor(1)
    dropped(host, reason, 1)


@MOVED.by("actorkit_events_dropped_total")
def test_an_answer_that_is_sent_at_most_once_to_an_instance_that_is_gone_is_counted(setting: Setting) -> None:
    host = setting.start(Passes, f"{DOWN}?delivery=at-most-once#mid")
    setting.receiver().welcome()
    until(lambda: host.ready)
    up = setting.sender(host)
    up.hello()
    up.batch(parcel(reply_to={"down": Waiter("down-0", b"key")}))
    up.hear_floor(1)
    dropped(host, "reply-to-gone", 1)


@MOVED.by("actorkit_events_dropped_total")
def test_an_event_that_nobody_waits_for_any_more_is_counted(setting: Setting) -> None:
    host = setting.start(Passes)
    up = setting.sender(host)
    up.hello()
    up.batch(parcel(reply_to={"web": Waiter("web-1", b"key", deadline_ms=1000)}), now_ms=2000)
    up.hear_floor(1)
    dropped(host, "expired", 1)


@MOVED.by("actorkit_events_dropped_total")
def test_what_is_logged_beyond_a_full_outbox_is_counted(setting: Setting) -> None:
    host = setting.start(Asks, outboxes={"log": (Peers.parse("inproc://test-nobody#mid"),)})
    for number in range(LOG_BACKLOG + 3):
        host.actor.log.warning("%d", number)
    dropped(host, "log-full", 3)


@MOVED.by("actorkit_events_dropped_total")
def test_events_of_an_at_most_once_connection_without_a_peer_are_counted(setting: Setting) -> None:
    host = setting.start(Asks, f"{DOWN}?delivery=at-most-once&window=2#mid")
    for _ in range(3):
        host.actor.send(Event(b"x"))
    dropped(host, "no-peer", 1)


@MOVED.by("actorkit_events_dropped_total")
def test_events_of_an_at_most_once_connection_without_credit_are_counted(setting: Setting) -> None:
    host = setting.start(Asks, f"{DOWN}?delivery=at-most-once&window=2#mid")
    down = setting.receiver()
    down.welcome(window=2)
    until(lambda: host.ready)
    for _ in range(2):
        host.actor.send(Event(b"under way"))
    down.hear_events(2)
    for _ in range(3):
        host.actor.send(Event(b"two of them wait"))
    dropped(host, "no-credit", 1)


@MOVED.by("actorkit_events_dropped_total", "actorkit_reconnects_total")
def test_events_under_way_to_a_lost_peer_are_counted(setting: Setting) -> None:
    host = setting.start(Asks, f"{DOWN}?delivery=at-most-once&window=2#mid")
    down = setting.receiver()
    down.welcome()
    until(lambda: host.ready)
    host.actor.send(Event(b"under way"))
    down.hear_events(1)
    down.say(wire.Refuse("no more"))
    dropped(host, "peer-lost", 1)
    MOVED.expect(read(host), "actorkit_reconnects_total", 1, outbox="down", destination="down")


def test_every_documented_reason_of_a_drop_was_seen() -> None:
    (row,) = re.findall(r"^\| `actorkit_events_dropped_total` .*$", (DOCS / "metrics.md").read_text(), re.M)
    text = Path(__file__).read_text()
    for reason in set(re.findall(r"`([\w-]+)`", row)) - {"actorkit_events_dropped_total"}:
        assert f'"{reason}"' in text, reason
