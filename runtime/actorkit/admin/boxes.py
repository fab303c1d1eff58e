"""Where events pass in an instance: looked at while a tap is open, and left as it was before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from actorkit.edge import wire
from actorkit.edge.batch_writer import BatchWriter
from actorkit.edge.receive_session import ReceiveSession
from actorkit.event.parcel import Parcel
from actorkit.host.consumer import Admit
from actorkit.host.host import Host

#: Looks at events that pass; the mapping says where that is.
Look: TypeAlias = Callable[[dict[str, Any], Sequence[Parcel]], None]

#: Taps of one instance at a time.
MOST_TAPS: Final = 4


class Boxes:
    """The boxes of one instance. A look is closed by what `open_*` gives back."""

    def __init__(self, host: Host) -> None:
        self._host = host
        #: What admitted events before anybody looked, while somebody does.
        self._admit: Admit | None = None
        self._arrivals: list[tuple[str, Look]] = []
        self._sent: dict[BatchWriter, list[Callable[[Sequence[Parcel]], None]]] = {}
        self.open = 0

    def names(self) -> tuple[list[str], list[str]]:
        """The inboxes that somebody sends to, and the outboxes."""
        sessions = self._host.receiver.sessions.values()
        return sorted({session.inbox for session in sessions}), sorted(self._host.connectors)

    def look_at_inbox(self, inbox: str, look: Look) -> Callable[[], None]:
        """Look at what is consumed of an inbox, or of all of them where it is ""; the function ends that."""
        consumer, entry = self._host.consumer, (inbox, look)
        if consumer is None:
            return lambda: None
        self._arrivals.append(entry)
        if self._admit is None:
            self._admit, consumer.admit = consumer.admit, self._admitting(consumer.admit)
        self.open += 1

        def end() -> None:
            self.open -= 1
            self._arrivals.remove(entry)
            if not self._arrivals and self._admit is not None:
                consumer.admit, self._admit = self._admit, None

        return end

    def _admitting(self, admit: Admit) -> Admit:
        def show(
            worker: int, session: ReceiveSession, first: int, parcels: list[wire.Delivery], redelivered: bool
        ) -> Iterator[tuple[int, list[wire.Delivery]]]:
            place = {"inbox": session.inbox, "from": session.instance}
            for number, run in admit(worker, session, first, parcels, redelivered):
                for inbox, look in self._arrivals:
                    if inbox in ("", session.inbox):
                        look(place, run)
                yield number, run

        return show

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
