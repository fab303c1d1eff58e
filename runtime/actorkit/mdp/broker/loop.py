"""The broker's loop: from the socket into the state, and out again.

Nearly every message is one of two: a 0.1 client's request with one body frame (and perhaps our header) for a known
service, or a 0.1 worker's reply with one body frame to the request it holds. These two are written out in `_take`, on
local names and without a call or a list of frames (docs/speed.md tells what that brings). Whatever is not plainly
one of them goes through `BrokerState.receive`, which knows every rule. The tests of the rules run against both.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, Final, Protocol

import zmq

from actorkit.mdp.broker.clients import WIRE_BYTES
from actorkit.mdp.broker.connection import connection_of
from actorkit.mdp.broker.counts import BOUNDS_S
from actorkit.mdp.broker.request import Request
from actorkit.mdp.broker.state import BrokerState
from actorkit.mdp.errors import FrameError
from actorkit.mdp.frames import EMPTY, EXTENSION, V1, Part, read_request_header, show, worker_request

log = logging.getLogger(__name__)

_NOBLOCK: Final = int(zmq.NOBLOCK)
_MORE: Final = int(zmq.SNDMORE)
_SEND_MORE: Final = int(zmq.SNDMORE | zmq.NOBLOCK)

#: Body frames up to this many bytes are copied into Python; larger ones pass through as they are.
COPIED_BYTES: Final = 4096


class RawSocket(Protocol):
    """What the loop needs of `zmq.backend.Socket`; `recv(0, False)` returns a frame with `more`.

    A frame is read before the next one is received: it may be the same object (`tuning.reuse_receive_frame`).
    """

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
    due = clock()
    inbox_empty = False
    while True:
        now, has_read_all = _take(socket, state, clock, due)
        inbox_empty = inbox_empty or has_read_all
        if now >= due:
            if done():
                return
            due = now + tick_s
            state.tick(now, inbox_empty=inbox_empty)
            inbox_empty = False
            ticked(now)
            flush(socket, state, now)


def _take(socket: RawSocket, state: BrokerState, clock: Callable[[], float], due: float) -> tuple[float, bool]:
    """Take messages, one at least, until the time `due` or until none has come for a while; returns the time, and
    whether that was because nothing was left to read.

    Longer than a screen, because a call costs what ten lines cost: both messages lead straight to the end, where a
    request is given to a worker.
    """
    recv, send, queues = socket.recv, socket.send, state.queues
    find_worker, find_service = state.workers.by_identity.get, state.services.by_name.get
    find_client, meet, admits = state.clients.by_identity.get, state.clients.meet, state.clients.admits
    wire_bytes = WIRE_BYTES
    counts, buckets, bounds = state.counts, state.counts.seconds_buckets, BOUNDS_S
    empty, v1, of_client, of_worker, a_request, a_reply = EMPTY, V1, V1.client, V1.worker, V1.request, V1.final
    copied, first, more = COPIED_BYTES, _SEND_MORE, _MORE
    max_bytes = -1 if state.draining else min(copied, state.params.max_body_bytes)
    max_queued_bytes = state.params.queue_bytes_limit // 2
    no_extension: tuple[bytes, ...] = ()
    identity, now = empty, float("-inf")
    try:
        while now < due:
            identity = recv()
            now = clock()
            part = recv(0, False)
            if part or not part.more:
                _other(socket, state, [identity], part, now)
                continue
            part = recv(0, False)
            header = empty + part
            if not part.more:
                _other(socket, state, [identity, empty], part, now)
                continue
            part = recv(0, False)
            third = empty + part
            if not part.more:
                _other(socket, state, [identity, empty, header], part, now)
                continue
            part = recv(0, False)
            if header == of_client:
                extension, deadline, turn = no_extension, 0.0, identity
                if part.more and len(part) <= copied:
                    extension = (empty + part,)
                    deadline, turn = _deadline(extension[0], now, identity)
                    part = recv(0, False)
                size = len(part)
                body = empty + part if size <= max_bytes else empty
                service = find_service(third)
                if (
                    service is None
                    or part.more
                    or size > max_bytes
                    or deadline < 0
                    or (not extension and body.startswith(EXTENSION))
                ):
                    _other(socket, state, [identity, empty, header, third, *extension], part, now)
                    continue
                worker = service.next_idle() if service.idle or service.processes else None
                queue = service.queue
                if worker is None and (
                    queue.length >= service.queue_limit or queues.queued_bytes + size > max_queued_bytes
                ):
                    _other(socket, state, [identity, empty, header, third, *extension], part, now)
                    continue
                counts.requests += 1
                if not deadline:
                    deadline = now + service.request_timeout_s
                peer = find_client(identity) or meet(identity, connection_of(part))
                request = Request(identity, turn, v1, [body], now, deadline, bool(extension), peer, size)
                if worker is None:
                    queue.append(request)
                    queues.queued_bytes += size
                    if deadline < service.next_deadline:
                        service.next_deadline = deadline
                    continue
                service.busy += 1
            elif header == of_worker and part.more:
                client = empty + part
                part = recv(0, False)
                if part or not part.more:
                    _other(socket, state, [identity, empty, header, third, client], part, now)
                    continue
                part = recv(0, False)
                worker = find_worker(identity)
                done = worker.request if worker is not None and worker.dialect is v1 else None
                if (
                    worker is None
                    or done is None
                    or part.more
                    or third != a_reply
                    or done.client != client
                    or done.dialect is not v1
                ):
                    _other(socket, state, [identity, empty, header, third, client, empty], part, now)
                    continue
                worker.last_seen = now
                service = worker.service
                peer = done.peer
                unread = peer.unread_bytes + len(part) + wire_bytes
                if unread <= peer.check_at:
                    peer.unread_bytes = unread
                    peer.unread_messages += 1
                    admitted = True
                else:
                    admitted = admits(peer, len(part) + wire_bytes)
                if admitted:
                    try:
                        send(client, first)
                        send(empty, more)
                        send(of_client, more)
                        send(service.name, more)
                        send(empty + part if len(part) <= copied else part)
                    except zmq.ZMQError as exc:
                        _on_undeliverable(state, [client, empty, of_client], now, exc)
                seconds = now - done.arrived
                counts.answers += 1
                counts.seconds_sum += seconds
                buckets[bisect_left(bounds, seconds)] += 1
                queue = service.queue
                if not queue.length or queue.peek().deadline <= now:
                    queues.assign_next(worker, now)
                    flush(socket, state, now)
                    continue
                request = queue.pop()
                queues.queued_bytes -= request.size_bytes
            else:
                _other(socket, state, [identity, empty, header, third], part, now)
                continue
            worker.request = request
            worker.last_sent = now
            body = request.body
            if worker.dialect is not v1 or len(body) > 1:
                state.outgoing.append([worker.identity, *worker_request(request.client, body, worker.dialect)])
                flush(socket, state, now)
                continue
            try:
                send(worker.identity, first)
                send(empty, more)
                send(of_worker, more)
                send(a_request, more)
                send(request.client, more)
                send(empty, more)
                send(body[0])
            except zmq.ZMQError as exc:
                _on_undeliverable(state, [worker.identity, empty, of_worker, a_request], now, exc)
                flush(socket, state, now)
        return now, False
    except zmq.Again:
        return clock(), True
    except zmq.ZMQError:
        raise
    except Exception:
        counts.errors["internal"] += 1
        log.exception("broker: a message from %s was not handled", show(identity))
        return clock(), False


def _deadline(extension: bytes, now: float, identity: bytes) -> tuple[float, bytes]:
    """When a request with that extension header expires, and whose turn it takes (that routing id's, if the header does
    not say). 0: the header says no time; -1: it is none."""
    if not extension.startswith(EXTENSION):
        return -1.0, identity
    try:
        header = read_request_header(extension)
    except FrameError:
        return -1.0, identity
    return (now + header.ms / 1000 if header.ms > 0 else 0.0), header.client or identity


def _other(socket: RawSocket, state: BrokerState, frames: list[Part], part: Any, now: float) -> None:
    """Read a message to its end and let the state take it: `frames` are read, `part` is the one received last."""
    recv = socket.recv
    identity = frames[0]
    if identity not in state.clients.by_identity and identity not in state.workers.by_identity:
        state.clients.meet(identity, connection_of(part))
    frames.append(EMPTY + part if len(part) <= COPIED_BYTES else copy(part))
    while part.more:
        part = recv(0, False)
        frames.append(EMPTY + part if len(part) <= COPIED_BYTES else copy(part))
    state.receive(frames, now)
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
            _on_undeliverable(state, message, now, exc)
    outgoing.clear()


def _on_undeliverable(state: BrokerState, message: Sequence[Part], now: float, exc: zmq.ZMQError) -> None:
    if exc.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
        raise exc
    state.undeliverable(message, now, gone=exc.errno == zmq.EHOSTUNREACH)
