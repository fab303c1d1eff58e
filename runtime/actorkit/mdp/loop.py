"""The broker's loop: from the socket into the state, and out again.

Nearly every message is one of two: a 0.1 client's request with one body frame for a known service, or a 0.1 worker's
reply with one body frame to the request it holds. These two are written out here, on local names and without lists of
frames, which takes a third off the time of a request (docs/majordomo.md has the figures). Whatever is not plainly one of
them goes through `BrokerState.receive`, which knows every rule; so does the written-out way's every refusal. The rules'
tests run against both.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import zmq

from actorkit.mdp.frames import EMPTY, NOTE, V1, Part, show, worker_request
from actorkit.mdp.service import Request
from actorkit.mdp.state import BrokerState

log = logging.getLogger(__name__)

_NOBLOCK: Final = int(zmq.NOBLOCK)
_MORE: Final = int(zmq.SNDMORE)
_SEND_MORE: Final = int(zmq.SNDMORE | zmq.NOBLOCK)

_CLIENT: Final = V1.client
_WORKER: Final = V1.worker
_REQUEST: Final = V1.request
_FINAL: Final = V1.final

#: Body frames up to this many bytes are copied into Python; larger ones pass through as they are.
COPIED_BYTES: Final = 4096


class RawSocket(Protocol):
    """What the loop needs of `zmq.backend.Socket`; `recv(0, False)` returns a frame with `more` and `bytes`."""

    def recv(self, flags: int = 0, copy: bool = True) -> Any: ...

    def send(self, data: Any, flags: int = 0) -> Any: ...


def serve(
    socket: RawSocket,
    state: BrokerState,
    clock: Callable[[], float],
    done: Callable[[], bool],
    tick_s: float,
    ticked: Callable[[float], None],
) -> None:
    """Take messages until `done()`, asked once a tick; `ticked` is called with the time of each.

    `recv` must give up after about `tick_s` (RCVTIMEO). That is cheaper than a poller, which would ask the kernel for
    every message. A bug that a message shows is logged and counted; the loop goes on.
    """
    recv = socket.recv
    due = clock()
    while True:
        try:
            identity: bytes = recv()
        except zmq.Again:
            now = clock()
        else:
            now = clock()
            try:
                if not _hot(socket, state, recv, identity, now):
                    flush(socket, state, now)
            except zmq.ZMQError:
                raise
            except Exception:
                state.counts.errors["internal"] += 1
                log.exception("broker: a message from %s was not handled", show(identity))
        if now >= due:
            if done():
                return
            due = now + tick_s
            state.tick(now)
            ticked(now)
            flush(socket, state, now)


def flush(socket: RawSocket, state: BrokerState, now: float) -> None:
    """Send all that the state has to send; what cannot be delivered goes back to the state, which may add more."""
    send = socket.send
    outgoing = state.outgoing
    for message in outgoing:  # grows while it is walked
        try:
            for part in message[:-1]:
                send(part, _SEND_MORE)
            send(message[-1], _NOBLOCK)
        except zmq.ZMQError as exc:
            _undelivered(state, message, now, exc)
    outgoing.clear()
