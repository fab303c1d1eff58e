"""The clients of a broker, and how much of what was sent to each of them has not left yet.

libzmq keeps an answer until the kernel takes it, and bounds that in messages only. A client that does not read would so
fill the broker's memory with large answers. What has left is asked of the client's connection, once for every 64 KiB
that were sent to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from actorkit.mdp.broker.counts import Counts
from actorkit.mdp.broker.request import Client, Connection, Request
from actorkit.mdp.frames import Part, client_answer

#: After so many bytes sent to a client it is looked whether they have left.
CHECK_BYTES: Final = 64 * 1024

#: What libzmq keeps for a message beside its bytes: four frames.
MESSAGE_BYTES: Final = 256

#: What a message has on the wire beside its body, at the least.
WIRE_BYTES: Final = 16

#: Interval at which clients that do not keep up are looked at again, in seconds.
CHECK_S: Final = 1.0

#: Clients that have asked nothing for one to two such times are forgotten, in seconds.
FORGET_S: Final = 60.0

#: When so many have asked, those that asked before are forgotten sooner: connections may come and go quickly.
MAX_CLIENTS: Final = 20_000


class ClientTable:
    """Clients by routing id, and all that is sent to them.

    `limit_bytes` bounds what waits for all clients that do not keep up. One of them may have half of it; then its
    answers are dropped. Where several fill it, the one that has most is hung up on, which frees what waited for it.

    `by_identity` is for the loop; nobody else changes it.
    """

    def __init__(self, counts: Counts, outgoing: list[list[Part]], limit_bytes: int, now: float) -> None:
        self.by_identity: dict[Part, Client] = {}
        #: Those who have not asked since the last sweep.
        self._before: dict[Part, Client] = {}
        self._counts = counts
        self._outgoing = outgoing
        self._limit_bytes = limit_bytes
        #: Clients that do not keep up, with the bytes of memory that wait for each.
        self._slow: dict[Client, int] = {}
        #: The sum of these.
        self.unread_bytes = 0
        self._check_due = now
        self._forget_at = now + FORGET_S

    def __repr__(self) -> str:
        return f"<ClientTable of {len(self.by_identity)} clients: {self.unread_bytes} bytes wait for {len(self._slow)}>"

    def meet(self, identity: Part, connection: Connection | None) -> Client:
        """The client of that routing id, which has not asked since the last sweep."""
        client = self.by_identity.get(identity) or self._before.pop(identity, None)
        if client is None or (connection is not None and not connection.same_as(client.connection)):
            client = Client(identity, connection, CHECK_BYTES)
        self.by_identity[identity] = client
        if len(self.by_identity) > MAX_CLIENTS:
            self._sweep()
        return client

    def answer(self, request: Request, service: Part, body: Sequence[Part], *, final: bool = True) -> None:
        """Send a client an answer, the last one or a part of it; dropped if it does not keep up."""
        client = request.peer
        size = WIRE_BYTES
        for part in body:
            size += len(part)
        if client.unread_bytes + size <= client.check_at:
            client.unread_bytes += size
            client.unread_messages += 1
        elif not self.admits(client, size):
            return
        self._outgoing.append([request.client, *client_answer(service, body, request.dialect, final=final)])

    def admits(self, client: Client, size: int) -> bool:
        """Whether a client may be sent so many bytes more, which are counted then; else they are counted as dropped."""
        held = self._measure(client)
        cost = size + MESSAGE_BYTES
        if held and held + cost > self._limit_bytes // 2:
            return self._drop(client)
        while self._slow and self.unread_bytes + cost > self._limit_bytes:
            heaviest = max(self._slow, key=self._slow.__getitem__)
            if heaviest is client:
                return self._drop(client)
            self._hang_up(heaviest)
        client.unread_bytes += size
        client.unread_messages += 1
        client.check_at = client.unread_bytes + CHECK_BYTES
        if client.connection is not None and client.unread_bytes > CHECK_BYTES:
            self._note(client, held + cost)
        return True

    def tick(self, now: float) -> None:
        """Look at the clients that do not keep up; forget those that have asked nothing for long."""
        if now >= self._check_due:
            self._check_due = now + CHECK_S
            for client in list(self._slow):
                self._measure(client)
        if now >= self._forget_at:
            self._forget_at = now + FORGET_S
            self._sweep()

    def _sweep(self) -> None:
        """Forget who has not asked since the last sweep, but nobody who does not keep up."""
        self._before = self.by_identity
        self.by_identity = {client.identity: client for client in self._slow}

    def _drop(self, client: Client) -> bool:
        """Count an answer that is not sent; whether the client has room for the next one is looked at anew."""
        self._counts.errors["client_bytes"] += 1
        client.check_at = 0
        return False

    def _measure(self, client: Client) -> int:
        """Find out what has left; returns the bytes of memory that wait for the client."""
        connection = client.connection
        try:
            left = 0 if connection is None else connection.unsent(client.unread_bytes)
        except OSError:  # it has ended, and libzmq has let go of all
            left = 0
            self.by_identity.pop(client.identity, None)
        if left < client.unread_bytes:
            client.unread_messages = client.unread_messages * left // client.unread_bytes
        client.unread_bytes = left
        client.check_at = left + CHECK_BYTES
        held = left + MESSAGE_BYTES * client.unread_messages
        self._note(client, held if left > CHECK_BYTES else 0)
        return held

    def _note(self, client: Client, held: int) -> None:
        """Keep in the books what waits for a client; 0: it keeps up."""
        self.unread_bytes += held - self._slow.get(client, 0)
        if held:
            self._slow[client] = held
        else:
            self._slow.pop(client, None)

    def _hang_up(self, client: Client) -> None:
        """End the connection of a client: its answers are lost, and their memory is free."""
        self._counts.errors["client_hung_up"] += 1
        try:
            if client.connection is not None:
                client.connection.hang_up()
        except OSError:
            pass  # it has ended by itself
        client.unread_bytes = client.unread_messages = 0
        self.by_identity.pop(client.identity, None)
        self._note(client, 0)
