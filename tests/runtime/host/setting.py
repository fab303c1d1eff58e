"""One host in the process of a test, between peers that the test plays message by message."""

from __future__ import annotations

from typing import Any

import zmq

from actorkit import Actor
from actorkit.edge.dedup import REMEMBER_BYTES
from actorkit.edge.peers import Peers
from actorkit.host.host import ACK_DELAY_S, Host
from actorkit.settings import Settings
from tests.runtime.edge.foreign import ForeignReceiver, ForeignSender

#: Where a `receiver` listens.
DOWN = "inproc://test-down"


class Setting:
    """One actor between peers that a test plays. Its topology is `test`, its actor `mid`."""

    def __init__(self) -> None:
        self.context: zmq.Context[Any] = zmq.Context()
        self._hosts: list[Host] = []
        self._peers: list[ForeignSender | ForeignReceiver] = []

    def start(
        self,
        cls: type[Actor],
        outbox: str = "",
        inbox: str = "inproc://test-inbox",
        ack_delay_s: float = ACK_DELAY_S,
        dedup_bytes: int = REMEMBER_BYTES,
        **settings: Any,
    ) -> Host:
        """Start an actor; `outbox` is the text of its connection `down`."""
        outboxes = {"down": (Peers.parse(outbox),)} if outbox else {}
        made = {"topology": "test", "instance": "mid-1", "inbox": inbox, "outboxes": outboxes, **settings}
        host = Host(Settings("mid", "tests:Actor", **made), cls, self.context, dedup_bytes, ack_delay_s)
        host.start()
        self._hosts.append(host)
        return host

    def sender(self, host: Host, instance: str = "up-1") -> ForeignSender:
        """A peer that sends to the actor."""
        assert host.listener is not None
        self._peers.append(made := ForeignSender(self.context, host.listener.endpoint, instance))
        return made

    def receiver(self) -> ForeignReceiver:
        """A peer that the actor sends to."""
        self._peers.append(made := ForeignReceiver(self.context, DOWN))
        return made

    def close(self) -> None:
        for host in self._hosts:
            host.close()
        for peer in self._peers:
            peer.close()
        self.context.destroy(linger=0)
