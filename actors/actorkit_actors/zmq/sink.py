"""Events as messages that nobody answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta

from actorkit import Event
from actorkit.errors import ServiceUnavailable
from actorkit_actors.zmq import message
from actorkit_actors.zmq.peer import PeerParams
from actorkit_actors.zmq.with_socket import WithSocket


class Sink(WithSocket):
    """Gives each event to ZeroMQ as a message, and passes it on."""

    class Params(PeerParams, frozen=True, kw_only=True):
        timeout_s: Annotated[
            float, Meta(gt=0, description="longest wait for a peer that is there and has room for the message")
        ] = 30.0

    params: Params

    def consume(self, event: Event) -> Event:
        """Send the event."""
        frames = [*self.before(event), message.of(event, self.params.format)]
        if not self._socket.send(frames, self.params.timeout_s):
            raise ServiceUnavailable(f"{self.params.where} takes no message within {self.params.timeout_s:g} s")
        return event

    def before(self, event: Event) -> Iterable[bytes]:  # noqa: ARG002  # the name is the subclass's contract
        """The frames in front of the body."""
        return ()
