"""The load for benchmarks/mdp.py: clients or workers on raw sockets, one process, as little Python a message as can be.

python -m benchmarks.mdp_load workers ENDPOINT COUNT        until it is ended
python -m benchmarks.mdp_load mirrors ENDPOINT COUNT        workers that know nothing of MDP, behind a proxy
python -m benchmarks.mdp_load idle ENDPOINT COUNT           registers for services that nobody asks
python -m benchmarks.mdp_load pipelined ENDPOINT SECONDS WINDOW   prints requests/s, and how many there were
python -m benchmarks.mdp_load sequential ENDPOINT SECONDS   prints requests/s, p50 and p99 in µs
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

import zmq
from zmq.backend import Socket

#: Size of a request's and an answer's body, in bytes.
BODY = b"x" * 100
NOBLOCK = int(zmq.NOBLOCK)
MORE = int(zmq.SNDMORE)
#: Workers of a load process send a heartbeat when idle for this long, in seconds.
HEARTBEAT_S = 2.0


def dealer(context: zmq.Context[Any], endpoint: str) -> Socket:
    socket = Socket(context, zmq.DEALER)
    socket.set(zmq.SNDHWM, 0)
    socket.set(zmq.RCVHWM, 0)
    socket.connect(endpoint)
    return socket


def say(socket: Socket, *frames: bytes) -> None:
    for frame in frames[:-1]:
        socket.send(frame, MORE)
    socket.send(frames[-1])


def workers(endpoint: str, count: int, service: bytes = b"echo") -> None:
    """Answer requests with what they carry. A message to a worker is a REQUEST of one body frame, or shorter."""
    context: zmq.Context[Any] = zmq.Context()
    sockets = [dealer(context, endpoint) for _ in range(count)]
    poller = zmq.Poller()
    for socket in sockets:
        say(socket, b"", b"MDPW01", b"\x01", service)
        poller.register(socket, zmq.POLLIN)
    due = time.monotonic() + HEARTBEAT_S
    while True:
        for socket, _ in poller.poll(int(HEARTBEAT_S * 1000)):
            serve(socket)
        if time.monotonic() >= due:
            due = time.monotonic() + HEARTBEAT_S
            for socket in sockets:
                say(socket, b"", b"MDPW01", b"\x04")


def serve(socket: Socket) -> None:
    recv, send = socket.recv, socket.send
    while True:
        try:
            recv(NOBLOCK)
        except zmq.Again:
            return
        recv()
        if recv() != b"\x02":
            continue
        client = recv()
        recv()
        body = recv()
        send(b"", MORE)
        send(b"MDPW01", MORE)
        send(b"\x03", MORE)
        send(client, MORE)
        send(b"", MORE)
        send(body)


def mirrors(endpoint: str, count: int) -> None:
    """Send back what comes, `count` connections: messages of five frames."""
    context: zmq.Context[Any] = zmq.Context()
    socket = dealer(context, endpoint)
    for _ in range(count - 1):
        socket.connect(endpoint)
    recv, send = socket.recv, socket.send
    while True:
        client = recv()
        empty, header, service, body = recv(), recv(), recv(), recv()
        send(client, MORE)
        send(empty, MORE)
        send(header, MORE)
        send(service, MORE)
        send(body)


def idle(endpoint: str, count: int) -> None:
    """Register workers for 50 services that nobody asks; heartbeats are spread over the interval."""
    context: zmq.Context[Any] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, count + 100)
    sockets = [dealer(context, endpoint) for _ in range(count)]
    for number, socket in enumerate(sockets):
        say(socket, b"", b"MDPW01", b"\x01", b"idle-%d" % (number % 50))
    print("ready", flush=True)
    while True:
        for socket in sockets:
            say(socket, b"", b"MDPW01", b"\x04")
            time.sleep(HEARTBEAT_S / count)


def pipelined(endpoint: str, seconds: float, window: int) -> None:
    """Keep `window` requests under way on one connection."""
    context: zmq.Context[Any] = zmq.Context()
    socket = dealer(context, endpoint)
    recv, send = socket.recv, socket.send
    for _ in range(window):
        say(socket, b"", b"MDPC01", b"echo", BODY)
    done = 0
    started = time.perf_counter()
    end = started + seconds
    while done % 256 or time.perf_counter() < end:
        recv()
        recv()
        recv()
        recv()
        send(b"", MORE)
        send(b"MDPC01", MORE)
        send(b"echo", MORE)
        send(BODY)
        done += 1
    print(done / (time.perf_counter() - started), done)
    socket.close(0)


def sequential(endpoint: str, seconds: float) -> None:
    """One request after the other."""
    context: zmq.Context[Any] = zmq.Context()
    socket = dealer(context, endpoint)
    took: list[float] = []
    end = time.perf_counter() + seconds
    before = time.perf_counter()
    while before < end:
        say(socket, b"", b"MDPC01", b"echo", BODY)
        for _ in range(4):
            socket.recv()
        after = time.perf_counter()
        took.append(after - before)
        before = after
    took.sort()
    print(len(took) / sum(took), statistics.median(took) * 1e6, took[int(len(took) * 0.99)] * 1e6)
    socket.close(0)


if __name__ == "__main__":
    role, where, *rest = sys.argv[1:]
    if role == "workers":
        workers(where, int(rest[0]))
    elif role == "mirrors":
        mirrors(where, int(rest[0]))
    elif role == "idle":
        idle(where, int(rest[0]))
    elif role == "pipelined":
        pipelined(where, float(rest[0]), int(rest[1]))
    else:
        sequential(where, float(rest[0]))
