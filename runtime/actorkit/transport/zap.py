"""The ZAP handler (RFC 27): decides in a thread of its own who may connect to a socket of its context."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any, Final

import zmq
from gevent import monkey

from actorkit.transport.curve import ZAP_DOMAIN, check_key

log = logging.getLogger(__name__)

#: The endpoint at which libzmq asks, in each context.
ZAP_ENDPOINT: Final = "inproc://zeromq.zap.01"

_STOP: Final = "inproc://actorkit.zap_handler.stop"


class ZapHandler:
    """Lets in whoever has one of the allowed public keys. Start it before the socket binds; close it after the socket.

    The thread is a real one also where gevent has patched `threading`: the broker's own loop never yields to greenlets.
    """

    def __init__(self, context: zmq.Context[Any], allowed: Iterable[str]) -> None:
        self.denied = 0
        self._allowed = frozenset(check_key(key, "a key of `allowed`") for key in allowed)
        self._context = context
        self._stopper: zmq.Socket[bytes] = context.socket(zmq.PAIR)
        self._stopper.bind(_STOP)
        self._handler: zmq.Socket[bytes] = context.socket(zmq.REP)
        self._handler.linger = 0
        self._handler.bind(ZAP_ENDPOINT)
        self._ended = monkey.get_original("_thread", "allocate_lock")()
        self._ended.acquire()
        monkey.get_original("_thread", "start_new_thread")(self._run, ())

    def __repr__(self) -> str:
        return f"<ZapHandler of {len(self._allowed)} keys, {self.denied} denied>"

    def close(self) -> None:
        """End the thread and close its sockets."""
        self._stopper.send(b"")
        self._ended.acquire()
        self._stopper.close(0)

    def decide(self, frames: Sequence[bytes]) -> list[bytes]:
        """Answer one ZAP request: [version, request id, domain, address, identity, mechanism, credentials…]."""
        if len(frames) < 6 or frames[0] != b"1.0":
            return [b"1.0", frames[1] if len(frames) > 1 else b"", b"500", b"not ZAP 1.0", b"", b""]
        _, request, domain, _, _, mechanism, *credentials = frames
        if domain == ZAP_DOMAIN and mechanism == b"CURVE" and len(credentials) == 1 and credentials[0] in self._allowed:
            return [b"1.0", request, b"200", b"OK", credentials[0].hex().encode(), b""]
        self.denied += 1
        return [b"1.0", request, b"400", b"no known key", b"", b""]

    def _run(self) -> None:
        stop: zmq.Socket[bytes] = self._context.socket(zmq.PAIR)
        stop.connect(_STOP)
        poller = zmq.Poller()
        poller.register(stop, zmq.POLLIN)
        poller.register(self._handler, zmq.POLLIN)
        try:
            while not any(ready is stop for ready, _ in poller.poll()):
                self._handler.send_multipart(self.decide(self._handler.recv_multipart()))
        except Exception:
            log.exception("the thread that decides who may connect ended; nobody is let in any more")
        finally:
            stop.close(0)
            self._handler.close(0)
            self._ended.release()
