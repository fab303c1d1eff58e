"""The connections of an instance, made as its settings say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import zmq

from actorkit.edge.at_most_once import AtMostOnceSender
from actorkit.edge.connector import Connector
from actorkit.edge.keyed import KeyedSender
from actorkit.edge.peers import Peers
from actorkit.edge.sender import Sender
from actorkit.errors import SettingsError
from actorkit.graph import BOX, DEAD_LETTERS
from actorkit.settings import Settings
from actorkit.transport.keys import ClientKeys


def sender_class(peers: Peers) -> type[Sender]:
    """The class of sender that a connection's options ask for."""
    if peers.options.delivery == "at-most-once":
        return AtMostOnceSender
    return KeyedSender if peers.options.key else Sender


def make_connectors(
    settings: Settings,
    context: zmq.Context[zmq.Socket[bytes]],
    acknowledged: Callable[[], None],
    keys: ClientKeys | None,
    busy: Callable[[], bool],
) -> dict[str, tuple[Connector, ...]]:
    """The connections of each outbox, which begin to look for their peers.

    Raises:
        SettingsError: an outbox has a name that is none.
    """
    made = {}
    for outbox, peers in settings.outboxes.items():
        if not BOX.match(outbox):
            raise SettingsError(f'"{outbox}" is not a name for an outbox')
        senders = [
            sender_class(peer)(settings.topology, settings.actor, settings.instance, outbox, peer, ordinal, busy=busy)
            for ordinal, peer in enumerate(peers)
        ]
        made[outbox] = tuple(Connector(context, sender, acknowledged, keys) for sender in senders)
    return made


def lonely(connectors: Mapping[str, Sequence[Connector]], may_be_absent: frozenset[str] = frozenset()) -> list[str]:
    """The connections that have no peer now, in words: `auth (tcp://auth:5550)`. The dead-letter box is none of them,
    and no actor that may be absent: work can be taken without these, and what is for them waits."""
    return [
        f"{outbox} ({', '.join(connector.sender.peers.endpoints)})"
        for outbox, connections in connectors.items()
        for connector in connections
        if outbox != DEAD_LETTERS and connector.sender.leads_to not in may_be_absent and not connector.sender.connected
    ]
