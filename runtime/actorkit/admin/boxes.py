"""Where events pass in an instance: looked at while a tap is open, and left as it was before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from actorkit.edge import wire
from actorkit.edge.batch_writer import BatchWriter
from actorkit.edge.receive_session import ReceiveSession
from actorkit.event.parcel import Parcel
from actorkit.host.host import Host
from actorkit.host.intake import Admit

#: Looks at events that pass; the mapping says where that is.
Look: TypeAlias = Callable[[dict[str, Any], Sequence[Parcel]], None]

#: Taps of one instance at a time.
MOST_TAPS: Final = 4


class Boxes:
    """The boxes of one instance. A look is closed by what `look_at_*` gives back."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._sent: dict[BatchWriter, list[Callable[[Sequence[Parcel]], None]]] = {}
        self.open = 0

    def names(self) -> tuple[list[str], list[str]]:
        """The inboxes that somebody sends to, and the outboxes."""
        sessions = self._host.receiver.sessions.values()
        return sorted({session.inbox for session in sessions}), sorted(self._host.connectors)

    def look_at_inbox(self, inbox: str, look: Look) -> Callable[[], None]:
        """Look at what is consumed of an inbox, or of all of them where it is ""; the function ends that."""
        consumer = self._host.consumer
        if consumer is None:
            return lambda: None
        close = consumer.intake.look(lambda admit: _showing(admit, inbox, look))
        self.open += 1

        def end() -> None:
            self.open -= 1
            close()

        return end

    def look_at_outbox(self, outbox: str, look: Look) -> Callable[[], None]:
        """Look at what is sent to an outbox; the function ends that."""
        senders = [connector.sender for connector in self._host.connectors[outbox]]
        self.open += 1
        looks = []
        for sender in senders:
            place = {"outbox": outbox, "destination": sender.leads_to}
            looks.append((sender.writer, lambda parcels, place=place: look(place, parcels)))
        for writer, seen in looks:
            self._sent.setdefault(writer, []).append(seen)
            writer.watch(tuple(self._sent[writer]))

        def end() -> None:
            self.open -= 1
            for writer, seen in looks:
                self._sent[writer].remove(seen)
                writer.watch(tuple(self._sent[writer]))

        return end


def _showing(admit: Admit, inbox: str, look: Look) -> Admit:
    """`admit` with a look at what it admits."""

    def show(
        worker: int, session: ReceiveSession, first: int, parcels: list[wire.Delivery], redelivered: bool
    ) -> Iterator[tuple[int, list[wire.Delivery]]]:
        place = {"inbox": session.inbox, "from": session.instance}
        for number, run in admit(worker, session, first, parcels, redelivered):
            if inbox in ("", session.inbox):
                look(place, run)
            yield number, run

    return show
