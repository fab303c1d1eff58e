"""Events to ZeroMQ's SUB."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar

import zmq
from msgspec import Meta

from actorkit import Event
from actorkit.errors import MalformedEvent
from actorkit_actors.zmq.peer import PORT
from actorkit_actors.zmq.sink import Sink


class ZmqPub(Sink):
    """Sends each event as a message to all SUB sockets that want its topic, and passes it on.

    A message is the topic and the body, a frame each. `topic_from` is where the topic stands in the event, `topic`
    what it is else; with neither a message is the body alone, of which subscribers may want a beginning. Peers connect
    to `host` and `port`, or to `socket_file`; with `connect` it is this actor that does, as where a proxy stands
    between.

    PUB waits for nobody: who is not there, or has not read `queue` messages, misses what comes, and nobody is told. An
    instance that is stopped goes on sending for two seconds.

    It waits in gevent's loop. `format` says what the frame holds, and `secret_key` that it is CURVE that is spoken:
    with `connect` along with `public_key` and `server_key`, else with `allowed`.

    Failures:
        MalformedEvent (400): the data cannot be had in the `format`, or what should be the topic is no text.
    """

    NAME: ClassVar[str] = "zmq-pub"
    EXTRA: ClassVar[str] = "xml"
    SETTLES: ClassVar[str] = "when ZeroMQ has taken the message; who has not come, or reads too slowly, misses it"
    REPEATS: ClassVar[str] = "no"
    LISTENS: ClassVar[dict[str, int]] = {"port": PORT}
    SOCKET: ClassVar[int] = zmq.PUB

    class Params(Sink.Params, frozen=True, kw_only=True):
        topic: Annotated[str, Meta(description="topic of all events; none, and no topic_from: no frame for it")] = ""
        topic_from: Annotated[str, Meta(description="path of the topic in the event: attributes/kind")] = ""

    params: Params

    def before(self, event: Event) -> Iterable[bytes]:
        """The topic."""
        topic = self.params.topic
        if self.params.topic_from:
            found = event.lookup(self.params.topic_from)
            if found is not None and not isinstance(found, str):
                raise MalformedEvent(f"{self.params.topic_from} is no text that could be a topic")
            topic = found or topic
        return (topic.encode(),) if topic or self.params.topic_from else ()
