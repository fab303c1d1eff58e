"""A program of somebody else that speaks ZeroMQ: plain pyzmq, without gevent, in a process of its own.

`python -m tests.actors.zmq.foreign KIND bind|connect ENDPOINT KEYS MESSAGE…`: frames are hexadecimal, those of one
message joined by commas; KEYS is JSON. What it receives it prints so, a line each.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import zmq
from zmq.auth.thread import ThreadAuthenticator


def push(socket: zmq.Socket[bytes], messages: list[list[bytes]]) -> None:
    for message in messages:
        socket.send_multipart(message)
    print("sent", flush=True)
    sys.stdin.read()


def pull(socket: zmq.Socket[bytes], _: list[list[bytes]]) -> None:
    while True:
        show(socket.recv_multipart())


def pub(socket: zmq.Socket[bytes], messages: list[list[bytes]]) -> None:
    show(socket.recv_multipart())  # an XPUB is a PUB that hears who subscribes
    for message in messages:
        socket.send_multipart(message)
    sys.stdin.read()


def sub(socket: zmq.Socket[bytes], topics: list[list[bytes]]) -> None:
    for topic in topics:
        socket.setsockopt(zmq.SUBSCRIBE, topic[0])
    pull(socket, [])


def req(socket: zmq.Socket[bytes], messages: list[list[bytes]]) -> None:
    for message in messages:
        socket.send_multipart(message)
        show(socket.recv_multipart())


def dealer(socket: zmq.Socket[bytes], messages: list[list[bytes]]) -> None:
    for message in messages:
        socket.send_multipart(message)
    pull(socket, [])


def rep(socket: zmq.Socket[bytes], replies: list[list[bytes]]) -> None:
    """Gives its replies, then what it is asked in capitals; an empty one of its own is never given."""
    for reply in replies:
        show(socket.recv_multipart())
        if reply == [b""]:
            sys.stdin.read()
        socket.send_multipart(reply)
    while True:
        message = socket.recv_multipart()
        show(message)
        socket.send_multipart([part.upper() for part in message])


KINDS: dict[str, tuple[int, Callable[[zmq.Socket[bytes], list[list[bytes]]], None]]] = {
    "push": (zmq.PUSH, push),
    "pull": (zmq.PULL, pull),
    "pub": (zmq.XPUB, pub),
    "sub": (zmq.SUB, sub),
    "req": (zmq.REQ, req),
    "dealer": (zmq.DEALER, dealer),
    "rep": (zmq.REP, rep),
}


def show(message: list[bytes]) -> None:
    print(written(message), flush=True)


def written(message: list[bytes]) -> str:
    """A message as an argument, or as a line."""
    return ",".join(frame.hex() for frame in message)


def read(text: str) -> list[bytes]:
    return [bytes.fromhex(frame) for frame in text.split(",")]


def main(kind: str, how: str, endpoint: str, keys: str, *messages: str) -> None:
    number, work = KINDS[kind]
    context: zmq.Context[Any] = zmq.Context()
    socket = context.socket(number)
    given: dict[str, str] = json.loads(keys)
    if given and how == "bind":
        authenticator = ThreadAuthenticator(context)
        authenticator.start()
        authenticator.configure_curve_callback("*", Allowed(given["allowed"]))
        socket.setsockopt(zmq.CURVE_SERVER, 1)
    elif given:
        socket.setsockopt(zmq.CURVE_PUBLICKEY, given["public_key"].encode())
        socket.setsockopt(zmq.CURVE_SERVERKEY, given["server_key"].encode())
    if given:
        socket.setsockopt(zmq.CURVE_SECRETKEY, given["secret_key"].encode())
    getattr(socket, how)(endpoint)
    work(socket, [read(message) for message in messages])


class Allowed:
    """Lets in who has that key."""

    def __init__(self, key: str) -> None:
        self.key = key

    def callback(self, domain: str, key: bytes) -> bool:
        return key.decode() == self.key


if __name__ == "__main__":
    main(*sys.argv[1:])
