"""Events of a source that have a position: sent under the names that follow from it, and settled with the outside."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import gevent
from gevent.event import Event as Flag

from actorkit.edge.ledger import settle
from actorkit.edge.outcome import Failed, Outcome
from actorkit.edge.positions import Positions
from actorkit.edge.sender import Sender
from actorkit.errors import MalformedEvent, UnsendableData
from actorkit.event import Event
from actorkit.event.context import Failure
from actorkit.event.position import Namer, Placed, Position, Settlement
from actorkit.host.methods import Methods
from actorkit.host.outboxes import Outboxes

log = logging.getLogger("actorkit.host")


class NamedRoot:
    """The ledger's entry of an event that has a position; `places` is what it takes of the source's window."""

    __slots__ = ("_settler", "failure", "pending", "places", "position")

    def __init__(self, position: Position, places: int, settler: Settler) -> None:
        self.pending = 1
        self.position = position
        self.places = places
        self.failure: Failure | None = None
        self._settler = settler

    def done(self) -> None:
        self._settler.note(self)

    def tell(self, outcome: Outcome) -> None:
        """Remember the first failure."""
        if self.failure is None and type(outcome) is Failed:
            self.failure = outcome.failure


class Settler:
    """Tells an actor what became of its events, in a greenlet of its own and in batches: what is finished while the
    actor is being told waits for the next one. An event has its place in the source's window until it was told.

    `freed` is called when there is space in the window; `crashed` with what `Actor.settle` raises.
    """

    def __init__(
        self,
        name: str,
        methods: Methods,
        topology: str,
        outboxes: Outboxes,
        freed: Callable[[], None],
        crashed: Callable[[BaseException], None],
    ) -> None:
        self._name = name
        self._settle, self._give_back = methods.of("settle"), methods.of("give_back")
        self._outboxes = outboxes
        self._freed = freed
        self._on_crash = crashed
        self._namer = Namer(topology, name)
        self._positions = Positions()
        #: Events that are finished, and whose actor has not been told.
        self._finished: list[NamedRoot] = []
        self._there = Flag()
        self._crashed = self._killed = False
        self._greenlet = gevent.spawn(self._run)

    def emit(self, event: Event, targets: Sequence[Sender]) -> None:
        """Send an event that has a position. One that cannot be sent has failed.

        Raises:
            UnsendableData: the position is none.
        """
        position = event.position
        if position is None:
            raise UnsendableData("the event has no position")
        id_, trace = name = self._namer.name(position)
        redelivered = self._positions.begin(position, event.redelivered)
        event._id, event._trace = id_, Placed(position, trace, redelivered)
        root = NamedRoot(position, max(1, len(targets)), self)
        self._outboxes.begun(root.places)
        try:
            self._outboxes.emit_entry(event, targets, root, None, name, redelivered)
        except MalformedEvent as exc:
            root.failure = Failure.of(exc, self._name)
            log.error("event %016x at %s cannot be sent: %s", trace, position, exc.message)
        settle(root)

    def note(self, root: NamedRoot) -> None:
        """An event is finished with all that it became."""
        self._finished.append(root)
        self._there.set()

    def _run(self) -> None:
        try:
            while True:
                self._there.wait()
                self._there.clear()
                self._tell()
        except BaseException as exc:  # GreenletExit too, which is no error to gevent
            if self._killed:
                raise
            self._crashed = True
            log.exception("settle failed")
            self._on_crash(exc)

    def _tell(self) -> None:
        finished, self._finished = self._finished, []
        if not finished:
            return
        settlements = [Settlement(root.position, root.failure) for root in finished]
        self._settle(settlements, self._positions.settle(settlements))
        self._outboxes.ended(sum(root.places for root in finished))
        self._freed()

    def close(self) -> None:
        """Tell the actor what is finished by now, and give the rest back. Where `settle` has failed, the actor is told
        nothing more."""
        self._killed = True
        self._greenlet.kill()
        if self._crashed:
            return
        try:
            self._tell()
            if unfinished := self._positions.unfinished:
                self._give_back(unfinished)
        except Exception:
            log.exception("the outside was not told of all events; they come again")
