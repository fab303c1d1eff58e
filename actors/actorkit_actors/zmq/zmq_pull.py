"""Events from ZeroMQ's PUSH."""

from __future__ import annotations

from typing import ClassVar

import zmq

from actorkit_actors.zmq.source import Source


class ZmqPull(Source):
    """Makes an event of each message that PUSH sockets send.

    A message is one frame; one of more frames is dropped and counted (`actorkit_zmq_refused_total`). PUSH sockets
    connect to `host` and `port`, or to `socket_file`; with `connect` it is this actor that does. A full graph holds
    them back: no more than `queue` messages of each are kept. What is not of the `format` comes as text, or as bytes
    where it is no UTF-8: it fails where it is wanted as JSON, and is a dead letter then.

    PUSH is told nothing: what an instance that is killed had read, and what was under way to it, is lost. One that is
    stopped takes leave of its peers, and sends on what had come from them; what PUSH had handed to the kernel for it
    is lost even then. Who must lose nothing takes [zmq-rep](zmq-rep.md).

    It waits in gevent's loop. With `secret_key` it is CURVE that is spoken: with `connect` along with `public_key` and
    `server_key`, else with `allowed`.
    """

    NAME: ClassVar[str] = "zmq-pull"
    SETTLES: ClassVar[str] = "never: PUSH is told nothing"
    REPEATS: ClassVar[str] = "no"
    SOCKET: ClassVar[int] = zmq.PULL
