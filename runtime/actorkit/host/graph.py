"""What an operator is told of an instance's place in the graph: what it is, who sends to it, and whom it sends to."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from actorkit import params
from actorkit.edge.receive_session import ReceiveSession
from actorkit.edge.sender import Sender
from actorkit.host.host import Host
from actorkit.observe import redact


def graph_at(host: Host) -> dict[str, Any]:
    """The instance, its parameters without secrets, and its boxes with their peers, as JSON has it. Nothing is counted
    for it: it reads what the edges know anyway. `answers`: all that comes in are answers to what began here."""
    cls = type(host.actor)
    now = time.monotonic()
    return {
        "topology": host.settings.topology,
        "actor": host.name,
        "instance": host.instance,
        "class": host.settings.class_path,
        "parameters": params.without_secrets(cls.Params, host.settings.params),
        "answers": cls.ANSWERS and not cls.consumes_itself(),
        "not_ready": redact.text(host.why_not_ready()),
        "in_work": host.receiver.in_work,
        "received": dict(host.receiver.inboxes),
        "failed": dict(host.consumer.failed) if host.consumer is not None else {},
        "inboxes": _inboxes(host.receiver.sessions.values()),
        "outboxes": {
            outbox: [_connection(connector.sender, now) for connector in connectors]
            for outbox, connectors in host.connectors.items()
        },
    }


def _inboxes(sessions: Iterable[ReceiveSession]) -> dict[str, list[dict[str, Any]]]:
    """The senders of each inbox, and how much that came from each is unfinished."""
    found: dict[str, list[dict[str, Any]]] = {}
    for session in sessions:
        peer = {"actor": session.actor, "instance": session.instance, "unfinished": session.unfinished}
        found.setdefault(session.inbox, []).append(peer)
    return found


def _connection(sender: Sender, now: float) -> Mapping[str, Any]:
    return {
        "destination": sender.leads_to,
        "inbox": sender.peers.inbox,
        "delivery": sender.peers.options.delivery,
        "sent": sender.sent,
        "in_flight": sender.in_flight,
        "waiting": sender.waiting,
        "oldest_waiting_s": round(sender.oldest_waiting_s(now), 3),
        "peers": [
            {
                "address": session.address,
                "instance": session.instance,
                "credit": max(0, session.credit),
                "in_flight": session.unacked,
                "waiting": session.waiting,
                "draining": session.draining,
            }
            for session in sender.sessions.values()
        ],
    }
