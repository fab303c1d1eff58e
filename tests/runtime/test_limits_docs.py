"""The numbers in docs/limits.md are those of the code."""

from __future__ import annotations

import pytest

from actorkit.edge import admission, dedup, listener, positions, receive_session, receiver, sender, wire, withdrawn
from actorkit.event import parcel, plain
from actorkit.graph import Options
from actorkit.host import producer
from actorkit.mdp import lease
from actorkit.mdp.broker import clients, leases
from actorkit.mdp.options import BrokerParams
from actorkit.observe import admin_server
from actorkit.process import actor
from actorkit.settings import Settings
from actorkit.transport import resolver
from actorkit.transport.socket import CONTROL_FRAMES, HEARTBEAT_TIMEOUT_MS
from tests.places import ROOT

MIB, KIB = 1 << 20, 1 << 10
BROKER = BrokerParams()

#: The beginning of each row → what it says, out of the code.
LIMITS: dict[str, tuple[int | str, ...]] = {
    "events sent to one instance and not consumed": (Options().window, wire.MAX_WINDOW),
    "bodies of them": (f"{sender.WINDOW_BYTES // MIB} MiB", sender.MIN_WINDOW),
    "events that began in one instance": (Settings("a", "a:A").source_window,),
    "messages that have come to an inbox": (
        f"{receive_session.SMALL_BYTES // KIB} KiB",
        f"{receiver.MAX_BYTES // MIB} MiB",
    ),
    "body of a request": (f"{BROKER.max_body_bytes // MIB} MiB",),
    "requests of one service that wait": (BROKER.queue_limit,),
    "bytes of requests that wait": (f"{BROKER.queue_bytes_limit // MIB} MiB",),
    "time that a request waits": (f"{BROKER.request_timeout_s:g} s",),
    "workers that one request may end": (f"`max_deliveries`: {BROKER.max_deliveries}",),
    "messages for one peer that does not read": (BROKER.peer_backlog,),
    "bytes for all clients that do not read": (f"{BROKER.client_bytes_limit // MIB} MiB",),
    "services that only clients have named": (BROKER.max_services, BROKER.client_services),
    "services that metrics name": (BROKER.metric_services,),
    "clients that are remembered": (clients.MAX_CLIENTS, f"{clients.FORGET_S:g} s"),
    "names with a lease": (leases.MAX_LEASES, f"{lease.MAX_MS // 1000} s"),
    "a worker that is silent": (f"{BROKER.expiry_s:g} s",),
    "time for requests to be finished": (f"{BROKER.drain_timeout_s:g} s",),
    "body of one event": (f"{parcel.MAX_BODY_BYTES // MIB} MiB",),
    "message on an edge": (f"{wire.MAX_MESSAGE_BYTES // MIB} MiB",),
    "sessions of an inbox": (receiver.MAX_SESSIONS,),
    "sessions of one sending instance": (admission.MAX_PEER_SESSIONS,),
    "name in a Hello": (f"{wire.MAX_NAME} characters",),
    "bad messages from one connection": (admission.MAX_STRIKES,),
    "connections remembered for that": (admission.MAX_STRANGERS,),
    "inboxes that metrics name": (admission.MAX_LABELS,),
    "messages that a sender does not read": (listener.UNREAD_FRAMES,),
    "messages that came on one connection": (
        wire.MAX_WINDOW + CONTROL_FRAMES,
        f"{HEARTBEAT_TIMEOUT_MS // 1000} s",
    ),
    "requests remembered that were given up": (withdrawn.MAX_WITHDRAWN,),
    "streams of a source that are remembered": (positions.MAX_STREAMS,),
    "failed positions of a source": (positions.MAX_FAILED,),
    "names remembered to recognise repeats": (
        f"{dedup.REMEMBER_S:g} s",
        dedup.REMEMBER_EVENTS,
        f"{actor.DEDUP_PERCENT} %",
        f"{actor.DEDUP_MOST_BYTES // MIB} MiB",
    ),
    "numbers finished above one that is not": (wire.MAX_ACKED_ABOVE,),
    "addresses of one name": (resolver.MAX_ADDRESSES,),
    "look-up of a name": (f"{resolver.PATIENCE_S:g} s",),
    "depth of attributes, and of an error's details": (plain.MAX_DEPTH,),
    "trail of an event": (f"{parcel.MAX_TRAIL:,} characters",),
    "connections at a time": (admin_server.MAX_CONNECTIONS,),
    "request, without its body": (f"{admin_server.MAX_HEAD_BYTES // KIB} KiB",),
    "time for a request to come": (f"{admin_server.REQUEST_TIMEOUT_S:g} s",),
    "time for its answer to be taken": (f"{admin_server.ANSWER_TIMEOUT_S:g} s",),
}


def rows() -> list[str]:
    return [line for line in (ROOT / "docs" / "limits.md").read_text().splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("row", LIMITS)
def test_a_limit_is_documented_as_it_is(row: str) -> None:
    (found, *_) = [line for line in rows() if line.startswith(f"| {row}")]
    for value in LIMITS[row]:
        assert (f"{value:,}" if isinstance(value, int) else value) in found


def test_the_second_row_about_bodies_is_that_of_sources() -> None:
    assert f"| bodies of them | {producer.MAX_UNFINISHED_BYTES // MIB} MiB |" in "\n".join(rows())


def test_every_metric_that_tells_of_a_limit_is_a_metric() -> None:
    # Those that only one actor has stand with that actor.
    metrics = "\n".join(
        (ROOT / "docs" / page).read_text() for page in ("metrics.md", "actors/http-server.md", "majordomo.md")
    )
    for line in rows():
        for part in line.split("`")[1::2]:
            if part.startswith("actorkit_"):
                assert f"| `{part.partition('{')[0]}` |" in metrics
