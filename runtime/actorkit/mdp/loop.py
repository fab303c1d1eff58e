"""The broker's loop: from the socket into the state, and out again.

Nearly every message is one of two: a 0.1 client's request with one body frame (and perhaps our note) for a known
service, or a 0.1 worker's reply with one body frame to the request it holds. These two are written out here, on local
names and without lists of frames, which takes a seventh off the time of a request (docs/majordomo.md). Whatever is not
plainly one of them goes through `BrokerState.receive`, which knows every rule. The tests of the rules run against both.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import zmq

from actorkit.mdp.errors import FrameError
from actorkit.mdp.frames import EMPTY, NOTE, V1, Part, read_request_note, show, worker_request
from actorkit.mdp.service import Request, Service, Worker
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
    take = _taker(socket, state)
    due = clock()
    while True:
        try:
            identity: bytes = recv()
        except zmq.Again:
            now = clock()
        else:
            now = clock()
            try:
                if not take(identity, now):
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


def _undelivered(state: BrokerState, message: Sequence[Part], now: float, exc: zmq.ZMQError) -> None:
    if exc.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
        raise exc
    state.undeliverable(message, now, gone=exc.errno == zmq.EHOSTUNREACH)


def _taker(socket: RawSocket, state: BrokerState) -> Callable[[bytes, float], bool]:
    """Return what takes one message whose first frame has been read; it returns False when there is more to send."""
    recv, send = socket.recv, socket.send
    workers, services, counts = state.workers, state.services, state.counts
    observe = counts.observe
    max_bytes = state.params.max_body_bytes
    max_queued_bytes = state.params.queue_bytes_limit
    draining = state.draining

    def take(identity: bytes, now: float) -> bool:
        a = recv(0, False)
        if not a.more:
            return general([identity, a.bytes], now)
        b = recv(0, False)
        if not b.more:
            return general([identity, a.bytes, b.bytes], now)
        c = recv(0, False)
        if not c.more:
            return general([identity, a.bytes, b.bytes, c.bytes], now)
        d = recv(0, False)
        header = b.bytes
        if header == _WORKER and d.more:
            e = recv(0, False)
            if e.more:
                f = recv(0, False)
                if not f.more and not len(e) and not len(a) and c.bytes == _FINAL:
                    worker = workers.get(identity)
                    if worker is not None and worker.dialect is V1:
                        request = worker.request
                        if (
                            request is not None
                            and request.client == d.bytes
                            and request.dialect is V1
                            and request.parts is None
                        ):
                            worker.last_seen = now
                            return reply(worker, request, f, now)
                return rest([identity, a.bytes, header, c.bytes, d.bytes, e.bytes], f, now)
            return general([identity, a.bytes, header, c.bytes, d.bytes, e.bytes], now)
        if header == _CLIENT and not len(a):
            note = EMPTY
            if d.more:
                note = d.bytes
                d = recv(0, False)
                if d.more or not note.startswith(NOTE):
                    return rest([identity, EMPTY, header, c.bytes, note], d, now)
            size = len(d)
            body = d.bytes if size <= COPIED_BYTES else d
            service = services.get(c.bytes)
            if service is not None and size <= max_bytes and not draining:
                if note:
                    return ask(service, identity, body, size, now, note)
                if size > COPIED_BYTES or not body.startswith(NOTE):
                    return ask(service, identity, body, size, now, EMPTY)
            return general([identity, EMPTY, header, c.bytes, *([note] if note else []), body], now)
        return rest([identity, a.bytes, header, c.bytes], d, now)

    def ask(service: Service, client: bytes, body: Part, size: int, now: float, note: bytes) -> bool:
        """Give a request to the worker that is idle for longest, or queue it (`BrokerState._request`)."""
        deadline = now + service.request_timeout_s
        if note:
            try:
                ms = read_request_note(note).ms
            except FrameError:
                return general([client, EMPTY, _CLIENT, service.name, note, body], now)
            if ms > 0:
                deadline = now + ms / 1000
        idle = service.idle
        worker = None
        while idle:
            worker = idle.popleft()
            if not worker.gone:
                break
            service.stale -= 1
            worker = None
        if worker is None:
            queue = service.queue
            if len(queue) >= service.queue_limit or state.queued_bytes + size > max_queued_bytes:
                return general([client, EMPTY, _CLIENT, service.name, *([note] if note else []), body], now)
            counts.requests += 1
            queue.append(Request(client, V1, [body], now, deadline, bool(note), size))
            state.queued_bytes += size
            if deadline < service.next_deadline:
                service.next_deadline = deadline
            return True
        counts.requests += 1
        service.busy += 1
        return give(worker, Request(client, V1, [body], now, deadline, bool(note)), now)

    def reply(worker: Worker, request: Request, answer: Any, now: float) -> bool:
        """Pass an answer on and give the worker the request that waits for longest (`BrokerState._reply`)."""
        service = worker.service
        try:
            send(request.client, _SEND_MORE)
            send(EMPTY, _MORE)
            send(_CLIENT, _MORE)
            send(service.name, _MORE)
            send(answer.bytes if len(answer) <= COPIED_BYTES else answer)
        except zmq.ZMQError as exc:
            _undelivered(state, [request.client, EMPTY, _CLIENT], now, exc)
        observe(now - request.arrived)
        queue = service.queue
        if not queue:
            worker.request = None
            service.busy -= 1
            service.idle.append(worker)
            return True
        following = queue.popleft()
        state.queued_bytes -= following.size_bytes
        if following.deadline <= now:
            state.expire(service, following)
            state.next_for(worker, now)
            return False
        return give(worker, following, now)

    def give(worker: Worker, request: Request, now: float) -> bool:
        worker.request = request
        worker.last_sent = now
        body = request.body
        try:
            if worker.dialect is V1 and len(body) == 1:
                send(worker.identity, _SEND_MORE)
                send(EMPTY, _MORE)
                send(_WORKER, _MORE)
                send(_REQUEST, _MORE)
                send(request.client, _MORE)
                send(EMPTY, _MORE)
                send(body[0])
                return True
            message = [worker.identity, *worker_request(request.client, body, worker.dialect)]
            for part in message[:-1]:
                send(part, _SEND_MORE)
            send(message[-1], _NOBLOCK)
        except zmq.ZMQError as exc:
            message = [worker.identity, *worker_request(request.client, body, worker.dialect)]
            _undelivered(state, message, now, exc)
            return False
        return True

    def rest(frames: list[Part], part: Any, now: float) -> bool:
        """Read a message to its end."""
        frames.append(part.bytes if len(part) <= COPIED_BYTES else part)
        while part.more:
            part = recv(0, False)
            frames.append(part.bytes if len(part) <= COPIED_BYTES else part)
        return general(frames, now)

    def general(frames: list[Part], now: float) -> bool:
        state.receive(frames, now)
        return not state.outgoing

    return take
