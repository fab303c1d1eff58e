"""Who may have a session, and who is not listened to any more. No sockets, no clock."""

from __future__ import annotations

from typing import Final

from actorkit.edge import wire

#: After so many bad messages a connection is not listened to any more.
MAX_STRIKES: Final = 8

#: So many connections are remembered for their bad messages; the oldest is forgotten for a new one.
MAX_STRANGERS: Final = 4096

#: Sessions that one instance of an actor may have here: one for each of its outboxes and each inbox.
MAX_PEER_SESSIONS: Final = 256

#: Inboxes that metrics name; what comes into further ones is counted under `OTHER`. Nobody can make labels without end.
MAX_LABELS: Final = 64
OTHER: Final = "other"


class Admission:
    """Keeps strangers within bounds: bad messages by connection, sessions by peer, inboxes by name."""

    def __init__(self, max_peer_sessions: int = MAX_PEER_SESSIONS, max_labels: int = MAX_LABELS) -> None:
        self._max_peer_sessions = max_peer_sessions
        self._max_labels = max_labels
        self._labels: set[str] = set()
        #: Bad messages by connection. Empty where nobody ever sent one, which is all that a good message pays for.
        self.strikes: dict[bytes, int] = {}
        #: Connections that were refused and have not begun anew since.
        self._told: set[bytes] = set()
        #: Sessions by (actor, instance) of their senders.
        self._peers: dict[tuple[str, str], int] = {}

    def strike(self, identity: bytes) -> bool:
        """Note a bad message. Tells whether the peer is to hear of it: once, until it begins anew."""
        self.strikes[identity] = self.strikes.pop(identity, 0) + 1
        if len(self.strikes) > MAX_STRANGERS:
            oldest = next(iter(self.strikes))
            del self.strikes[oldest]
            self._told.discard(oldest)
        if identity in self._told:
            return False
        self._told.add(identity)
        return True

    def shuts_out(self, identity: bytes) -> bool:
        """Whether the connection has sent too many bad messages to be listened to."""
        return self.strikes.get(identity, 0) >= MAX_STRIKES

    def objection(self, hello: wire.Hello) -> str:
        """Why there can be no session for this Hello, whoever else has one; "" when there can."""
        if hello.window < 1:
            return "malformed: a window must be at least 1"
        if max(map(len, (hello.actor, hello.instance, hello.outbox, hello.inbox))) > wire.MAX_NAME:
            return f"malformed: a name has at most {wire.MAX_NAME} characters"
        if self._peers.get((hello.actor, hello.instance), 0) >= self._max_peer_sessions:
            return f"crowded: {hello.actor}/{hello.instance} has {self._max_peer_sessions} sessions open already"
        return ""

    def enter(self, identity: bytes, actor: str, instance: str) -> None:
        """A session begins."""
        self._told.discard(identity)
        self._peers[actor, instance] = self._peers.get((actor, instance), 0) + 1

    def leave(self, actor: str, instance: str) -> None:
        """A session has ended."""
        left = self._peers.get((actor, instance), 0) - 1
        if left > 0:
            self._peers[actor, instance] = left
        else:
            self._peers.pop((actor, instance), None)

    def label(self, inbox: str) -> str:
        """An inbox as metrics name it."""
        if inbox in self._labels:
            return inbox
        if len(self._labels) >= self._max_labels:
            return OTHER
        self._labels.add(inbox)
        return inbox
