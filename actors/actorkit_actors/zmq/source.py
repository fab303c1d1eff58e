"""Messages that nobody answers as events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Final

from actorkit import Event
from actorkit.observe.figures import Figure
from actorkit_actors.zmq import message
from actorkit_actors.zmq.peer import PORT, PeerParams
from actorkit_actors.zmq.with_socket import WithSocket

#: How often a source that has nothing looks whether its instance is about to stop, in seconds.
LOOK_S: Final = 0.2
#: After leave was taken, what is under way has come when nothing came for so long, in seconds.
QUIET_S: Final = 0.1


class Source(WithSocket):
    """Makes an event of each message."""

    #: How many frames a message has at most.
    FRAMES: ClassVar[int] = 1
    LISTENS: ClassVar[dict[str, int]] = {"port": PORT}

    class Params(PeerParams, frozen=True, kw_only=True):
        pass

    params: Params
    #: Messages that were no events.
    _refused = 0

    def produce(self) -> Iterator[Event]:
        """Make an event of each message that comes, until the instance is about to stop."""
        while not self.runtime.draining:
            event = self._next(LOOK_S)
            if event is not None:
                yield event

    def drain(self) -> None:
        """Take leave of the peers, and send what has come from them."""
        if self._peers is not None:
            self._socket.leave()
            while (frames := self._socket.receive(QUIET_S)) is not None:
                event = self._event(frames)
                if event is not None:
                    self.send(event)

    def figures(self) -> Iterable[Figure]:
        """What came and was no event."""
        yield Figure("actorkit_zmq_refused_total", "Messages with another number of frames than wanted.", self._refused)

    def attributes(self, before: Sequence[bytes]) -> dict[str, Any]:  # noqa: ARG002  # the name is the subclass's contract
        """The attributes that follow from the frames in front of the body."""
        return {}

    def _next(self, timeout_s: float) -> Event | None:
        frames = self._socket.receive(timeout_s)
        return None if frames is None else self._event(frames)

    def _event(self, frames: Sequence[bytes]) -> Event | None:
        if len(frames) > self.FRAMES:
            self._refused += 1
            if self._refused == 1:
                self.log.warning(
                    "a message of %d frames is dropped, and so are more; %d is the most", len(frames), self.FRAMES
                )
            return None
        *before, body = frames
        return Event(message.lenient(body, self.params.format), attributes=self.attributes(before))
