"""A client that sends as fast as it is read leaves the others their turns."""

from __future__ import annotations

import time
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.event import Event as Flag

from actorkit_actors.http.budget import Budget
from actorkit_actors.http.connection import PAUSE_S, READ_BYTES, Connection
from actorkit_actors.http.guard import TURN_S, Guard
from actorkit_actors.http.http_server import HTTPServer
from actorkit_actors.http.message import Refusal, Request, Response

MB = 1 << 20


class Quick:
    """A socket whose client is always ahead: there is something to read at once until all is read. (Over a real one
    that depends on who is quicker.)"""

    def __init__(self, data: bytes) -> None:
        self._pair = socket.socketpair()
        self._data = data
        self.sent = b""

    def fileno(self) -> int:
        return int(self._pair[0].fileno())

    def recv(self, most: int) -> bytes:
        data, self._data = self._data[:most], self._data[most:]
        return data

    def send(self, data: bytes) -> int:
        self.sent += bytes(data)
        return len(data)

    def sendall(self, data: bytes) -> None:
        self.send(data)

    def shutdown(self, _: int) -> None: ...

    def close(self) -> None:
        for end in self._pair:
            end.close()


class Handler:
    draining = False

    def respond(self, request: Request, _: str) -> Response:
        return Response(204)

    def refuse(self, refusal: Refusal, _: dict[str, str], __: str) -> Response:
        return Response(refusal.status)


def served(size: int, budget: int, clients: int = 1) -> tuple[int, float, set[bytes]]:
    """How often another greenlet had its turn while bodies of so many bytes were read, how long that took, in seconds,
    and what was answered."""
    guard, turns = Guard(Budget(budget), 100), 0

    def others() -> None:
        nonlocal turns
        while True:
            gevent.sleep(0.0001)  # a turn
            turns += 1

    head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size
    quick = [Quick(head + b"x" * size) for _ in range(clients)]
    limits: Any = HTTPServer.Params(routes=(), max_body_bytes=16 * MB)
    begun, other = time.monotonic(), gevent.spawn(others)
    try:
        serving = [gevent.spawn(Connection(one, "a", Handler(), guard, limits).serve) for one in quick]
        gevent.joinall(serving, timeout=20)
        taken_s = time.monotonic() - begun
    finally:
        other.kill()
    assert guard.leaving == 0
    return turns, taken_s, {one.sent.partition(b"\r\n")[0] for one in quick}


@pytest.mark.parametrize(("budget", "status"), [(64 * MB, b"204"), (MB, b"413")])
def test_others_have_turns_while_a_long_body_is_taken_or_read_away(budget: int, status: bytes) -> None:
    turns, _, answers = served(8 * MB, budget)
    assert {answer.split()[1] for answer in answers} == {status}
    assert turns >= 8


def test_what_refused_clients_still_send_is_read_from_one_at_a_time() -> None:
    _, taken_s, _ = served(MB, MB, clients=8)
    assert taken_s >= 8 * (MB // READ_BYTES - 1) * PAUSE_S


def test_others_have_turns_while_a_crowd_is_told_that_no_answer_came() -> None:
    guard, crowd, turns = Guard(Budget(MB), 1000), 200, 0
    over = Flag()

    def late() -> None:
        over.wait()
        guard.take_turn()
        end = time.thread_time() + 0.001  # What it takes to tell it.
        while time.thread_time() < end:
            pass

    waiting = [gevent.spawn(late) for _ in range(crowd)]
    over.set()
    while not all(one.dead for one in waiting):
        gevent.sleep(0.0001)  # a turn
        turns += 1
    # One after each stretch in which some were told; a machine that stalls makes more of these, and no fewer.
    assert turns >= crowd * 0.001 / TURN_S / 2
