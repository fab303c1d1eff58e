"""What begins in an instance: events that its actor makes, or sends while it consumes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from actorkit.actor import Actor
from actorkit.edge.sender import Sender
from actorkit.event import Event
from actorkit.host.methods import Methods
from actorkit.host.outboxes import Outboxes
from actorkit.host.producer import Producer, SourceWindow
from actorkit.host.settler import Settler


class Source:
    """The source's side of an instance. `crashed` is called with what ends it.

    Attributes:
        producing: whether the actor's `produce` runs here.
    """

    def __init__(
        self, topology: str, outboxes: Outboxes, window: SourceWindow, crashed: Callable[[BaseException], None]
    ) -> None:
        self._topology = topology
        self._outboxes = outboxes
        self._window = window
        self._crashed = crashed
        self._producer: Producer | None = None
        self._settler: Settler | None = None
        self.producing = False

    def open(self, actor: Actor, methods: Methods) -> None:
        """Be ready for what the actor sends. To be called before its `setup`, which may send already."""
        if type(actor).settles():
            self._settler = Settler(
                actor.name, methods, self._topology, self._outboxes, self._window.recheck, self._crashed
            )

    def start(self, actor: Actor, produce: Callable[[], Iterable[Event]]) -> None:
        """Begin to make events with `produce`, where the actor is a source."""
        if type(actor).produces():
            self.producing = True
            self._producer = Producer(produce, self._outboxes, self._window, self._crashed, self._settler)

    def send(self, event: Event, targets: Sequence[Sender]) -> None:
        """Send an event that begins here; the caller waits for space in the window.

        Raises:
            UnsendableData: it has a position, and the actor has no `settle`; or it cannot be sent.
        """
        if self._settler is not None and event.position is not None:
            self._settler.emit(event, targets)
        else:
            self._outboxes.emit_root(event, targets, self._window.recheck)

    def close(self) -> None:
        """Make nothing more, and settle with the outside."""
        if self._producer is not None:
            self._producer.kill()
        if self._settler is not None:
            self._settler.close()
