"""An actor with one socket to peers of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from actorkit import Actor
from actorkit.params import Problem
from actorkit_actors.zmq.peer import ConnectParams, problems
from actorkit_actors.zmq.peers import Peers
from actorkit_actors.zmq.socket import PeerSocket


class WithSocket(Actor):
    """Opens the socket, and closes it."""

    #: The kind of socket, as `zmq.PUSH`, and its own options.
    SOCKET: ClassVar[int]
    OPTIONS: ClassVar[Mapping[int, int]] = {}

    params: ConnectParams
    _peers: Peers | None = None
    #: The first socket, and mostly the only one.
    _socket: PeerSocket

    @classmethod
    def check(cls, params: Any) -> Iterable[Problem]:
        """What `setup` would complain about, but for the port."""
        return problems(params)

    def setup(self) -> None:
        """Connect, or listen."""
        self._peers = Peers(self.params)
        self._socket = self.open()

    def open(self) -> PeerSocket:
        """A socket. To be called after `setup`."""
        if self._peers is None:
            raise RuntimeError("it is not set up")
        return self._peers.open(self.SOCKET, self.OPTIONS)

    def teardown(self) -> None:
        """Send what ZeroMQ still keeps, and close."""
        if self._peers is not None:
            self._peers.close()
