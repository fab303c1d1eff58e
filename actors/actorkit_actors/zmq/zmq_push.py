"""Events to ZeroMQ's PULL."""

from __future__ import annotations

from typing import ClassVar

import zmq

from actorkit_actors.zmq.peer import PORT
from actorkit_actors.zmq.sink import Sink


class ZmqPush(Sink):
    """Sends each event as a message to one of the PULL sockets that are there, and passes it on.

    A message is one frame. With `connect` it goes to the peers that are named, in turn; without, to those that connect
    to `host` and `port`, or to `socket_file`. Where no peer is there, or none has room, an event waits.

    PUSH tells nobody what became of a message: what ZeroMQ keeps for a peer that vanishes (`queue` messages at most,
    and what the kernel has) is lost, and so is what it keeps when an instance is killed; one that is stopped goes on
    sending for two seconds. Who must know that a message has come takes [zmq-req](zmq-req.md).

    It waits in gevent's loop. `format` says what the frame holds, and `secret_key` that it is CURVE that is spoken:
    with `connect` along with `public_key` and `server_key`, else with `allowed`.

    Failures:
        MalformedEvent (400): the data cannot be had in the `format`.
        ServiceUnavailable (503): no peer is there, or none has room, within `timeout_s`.
    """

    NAME: ClassVar[str] = "zmq-push"
    EXTRA: ClassVar[str] = "xml"
    SETTLES: ClassVar[str] = (
        "when ZeroMQ has taken the message for a peer that is there; what that loses, nobody is told"
    )
    REPEATS: ClassVar[str] = "no"
    LISTENS: ClassVar[dict[str, int]] = {"port": PORT}
    SOCKET: ClassVar[int] = zmq.PUSH
