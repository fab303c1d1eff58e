"""The suspects at one instance: events that may have ended another one. No sockets, no clock.

They are consumed apart: one at a time, and each only when its sender has noted that it is begun (Begin and Go). So the
sender knows for certain which one it was, should this instance be lost as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from actorkit.edge import wire
from actorkit.edge.dedup import DedupWindow
from actorkit.edge.receive_session import ReceiveSession
from actorkit.edge.suspects import is_suspect

#: Events of one session that came together: (session, number of the first, parcels, whether one is redelivered).
DeliveryBatch = tuple[ReceiveSession, int, list[wire.Delivery], bool]


class Apart:
    """Suspects and what came behind them in their sessions, on their way into `deliveries`.

    One suspect at a time has its turn: it stands in `deliveries` until a worker takes it, asks for leave (`ask`), has
    it (`permitted`), and has consumed it (`end`). A worker that asked in vain leaves it; when leave comes, it is put
    first (`later`).

    Attributes:
        alone: whether this instance consumes one event at a time.
        answered: called when leave has come, or will not come any more.
        asking: whether leave was asked for and has not come.
        permitted: whether the one whose turn it is may be consumed.
    """

    def __init__(
        self,
        deliveries: deque[DeliveryBatch],
        dedup: DedupWindow,
        tell: Callable[[ReceiveSession, wire.FromReceiver], None],
    ) -> None:
        self._deliveries = deliveries
        self._dedup = dedup
        self._tell = tell
        self._waiting: deque[DeliveryBatch] = deque()
        self._turn: DeliveryBatch | None = None
        self.alone = True
        self.answered: Callable[[], None] = lambda: None
        self.asking = False
        self.permitted = False

    @property
    def count(self) -> int:
        """How many events wait here; the suspect that waits for leave to begin is one of them."""
        late = self._turn is not None and self.asking and not any(one is self._turn for one in self._deliveries)
        return sum(len(parcels) for _, _, parcels, _ in self._waiting) + late

    def put(self, delivery: DeliveryBatch) -> None:
        """Take a batch that has a suspect, or came behind one."""
        delivery[0].apart += 1
        self._waiting.append(delivery)
        self._advance()

    def _advance(self) -> None:
        """Put what comes next into the deliveries: all up to a suspect, and that one as the next whose turn it is."""
        while self._turn is None and self._waiting:
            session, first, parcels, redelivered = self._waiting.popleft()
            session.apart -= 1
            suspects = [index for index, parcel in enumerate(parcels) if is_suspect(parcel)]
            at = next((index for index in suspects if not self._dedup.knows(parcels[index])), None)
            if suspects and suspects[0] != at:
                # Repeats: nothing of them is begun. Their sender may send the next suspect.
                self._tell(session, wire.Begin(0))
            before = parcels[:at]
            if before:
                self._deliveries.append((session, first, before, redelivered))
            if at is None:
                continue
            if parcels[at + 1 :]:
                session.apart += 1
                self._waiting.appendleft((session, first + at + 1, parcels[at + 1 :], redelivered))
            self._turn = (session, first + at, [parcels[at]], True)
            self._deliveries.append(self._turn)

    def is_turn(self, batch: DeliveryBatch) -> bool:
        """Whether this is the suspect whose turn it is."""
        return batch is self._turn

    def ask(self) -> None:
        """Tell the sender of the suspect whose turn it is that it is about to be consumed; again, if need be."""
        if self._turn is not None and not self.permitted:
            self.asking = True
            self._tell(self._turn[0], wire.Begin(self._turn[1], self.alone))

    def go(self, session: ReceiveSession, number: int) -> None:
        """The sender has noted that a suspect is begun."""
        turn = self._turn
        if turn is not None and self.asking and turn[0] is session and turn[1] == number:
            self.asking, self.permitted = False, True
            self.answered()

    def later(self) -> None:
        """Put the suspect whose turn it is first, for leave has come when nobody waited for it any more."""
        if self._turn is not None and self.permitted:
            self._deliveries.appendleft(self._turn)

    def end(self, batch: DeliveryBatch) -> None:
        """The suspect whose turn it was has been consumed."""
        if batch is self._turn:
            self._tell(batch[0], wire.Begin(0))
            self._next()

    def _next(self) -> None:
        self._turn = None
        self.asking = self.permitted = False
        self._advance()

    def gone(self, session: ReceiveSession) -> None:
        """A session is no more: what it sent and nobody has begun is left to its sender, who sends it again."""
        if session.apart:
            for one in [one for one in self._waiting if one[0] is session]:
                self._leave(one)
            remaining = [one for one in self._waiting if one[0] is not session]
            self._waiting.clear()
            self._waiting.extend(remaining)
            session.apart = 0
        turn = self._turn
        if turn is not None and turn[0] is session and not self.permitted:
            for index in [index for index, one in enumerate(self._deliveries) if one is turn]:
                del self._deliveries[index]
            self._leave(turn)
            self._next()
            self.answered()

    @staticmethod
    def _leave(batch: DeliveryBatch) -> None:
        session, first, parcels, _ = batch
        for number in range(first, first + len(parcels)):
            session.finish(number)
        session.consume(len(parcels))
