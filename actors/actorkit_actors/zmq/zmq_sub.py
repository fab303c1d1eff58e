"""Events from ZeroMQ's PUB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import zmq
from msgspec import Meta

from actorkit_actors.zmq.source import Source


class ZmqSub(Source):
    """Makes an event of each message that PUB sockets send about its topics.

    A message is the topic and the body, a frame each: the topic is the attribute `topic` then. A message of one frame
    is the body alone, whose beginning was taken for the topic; one of more frames is dropped and counted
    (`actorkit_zmq_refused_total`). A topic that is wanted is the beginning of all that are: `orders.` wants
    `orders.new`, and `""` wants everything. What is not of the `format` comes as text, or as bytes where it is no
    UTF-8.

    With `connect` it connects to PUB sockets, again and again where they are not there; without, these connect to
    `host` and `port`, or to `socket_file`. Each replica gets every message. PUB waits for nobody: what comes while no
    instance is there, or while the graph is full and `queue` messages are waiting, is missed, and nobody is told.

    It waits in gevent's loop. With `secret_key` it is CURVE that is spoken: with `connect` along with `public_key` and
    `server_key`, else with `allowed`.
    """

    NAME: ClassVar[str] = "zmq-sub"
    SETTLES: ClassVar[str] = "never: PUB is told nothing"
    REPEATS: ClassVar[str] = "no"
    SOCKET: ClassVar[int] = zmq.SUB
    FRAMES: ClassVar[int] = 2

    class Params(Source.Params, frozen=True, kw_only=True):
        topics: Annotated[tuple[str, ...], Meta(min_length=1, description="beginnings of topics that are wanted")] = (
            "",
        )

    params: Params

    def setup(self) -> None:
        """Connect, or listen, and subscribe."""
        super().setup()
        for topic in self.params.topics:
            self._socket.subscribe(topic.encode())

    def attributes(self, before: Sequence[bytes]) -> dict[str, Any]:
        """The topic, where there is one."""
        return {"topic": before[0].decode(errors="backslashreplace")} if before else {}
