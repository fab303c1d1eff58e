"""Runs `Actor.produce` and sends what it makes: the hot path of a source."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Final

import gevent
from gevent.event import Event as Flag

from actorkit.edge.sender import Sender
from actorkit.errors import UnsendableData
from actorkit.event import Event
from actorkit.event.body import BYTES
from actorkit.event.parcel import MAX_BODY_BYTES, Parcel
from actorkit.host.consumer import SLICE_S
from actorkit.host.outboxes import PRODUCED, Outboxes, no_event
from actorkit.host.settler import Settler

#: A source gives way to the others in the process after this many events at the latest.
SLICE_EVENTS: Final = 512

#: After how many events a quick source looks at the clock.
STRIDE: Final = 16

#: Bodies of events that began in one instance and are unfinished, in bytes: with longer ones the window is narrower.
MAX_UNFINISHED_BYTES: Final = 16 << 20
#: The narrowest that it gets, in events.
MIN_WINDOW: Final = 16

log = logging.getLogger("actorkit.host")


class SourceWindow:
    """The source's window: how many events may have begun here and be unfinished."""

    def __init__(self, outboxes: Outboxes, window: int) -> None:
        self._outboxes = outboxes
        #: An event counts once for each connection that it goes to.
        self._copies = max(1, len(outboxes.targets(None)))
        self._most = self.window = window * self._copies
        self._there = Flag()
        #: Whether nothing new begins any more; whoever waits for space then goes on without it.
        self.closed = False

    @property
    def full(self) -> bool:
        return self._outboxes.roots >= self.window

    @property
    def left(self) -> int:
        """How many events may begin now."""
        left = self.window - self._outboxes.roots
        return left // self._copies if left > 0 else 0

    def wait(self) -> None:
        """Wait until another event may begin."""
        while self.full and not self.closed:
            self._there.clear()
            self._outboxes.flush.schedule()
            self._there.wait()

    def recheck(self) -> None:
        """Fit the window to the length of events, and let a source go on. Called when events were sent or finished."""
        length = max((sender.typical_bytes() for sender in self._outboxes.targets(None)), default=0)
        if length:
            self.window = min(self._most, max(MIN_WINDOW, MAX_UNFINISHED_BYTES // length) * self._copies)
        if not self.full:
            self._there.set()

    def close(self) -> None:
        """Nothing new begins."""
        self.closed = True
        self._there.set()


class Pace:
    """Keeps a source within its window, and gives way to the others in the process: after `SLICE_EVENTS` events, or
    when they have waited for `SLICE_S` seconds.

    `clock` tells the time in seconds; `sleep` of 0 seconds lets the others run.
    """

    def __init__(
        self,
        window: SourceWindow,
        clock: Callable[[], float] = perf_counter,
        sleep: Callable[[float], object] = gevent.sleep,
    ) -> None:
        self._window = window
        self._clock = clock
        self._sleep = sleep
        self._begun = self._checked = clock()
        self._count = 0

    def keep(self, count: int) -> int:
        """Pause where that is due. To be called before the next event is made, with the number of events so far.

        Returns the number of events at which to call again; the window has space for the events until then.
        """
        window, clock = self._window, self._clock
        left = window.left
        if not left and window.full:
            window.wait()
            left = window.left
        now = clock()
        stride = STRIDE if now - self._checked < SLICE_S else 1
        if count - self._count >= SLICE_EVENTS or now - self._begun > SLICE_S:
            self._sleep(0)
            now, left = clock(), window.left
            self._begun, self._count = now, count
        self._checked = now
        return count + (stride if stride < left else left or 1)


class Producer:
    """Sends what `produce` makes, as fast as the window allows; `crashed` is called with what it raises. `settler`
    sends what has a position, where the actor is told what became of that."""

    def __init__(
        self,
        produce: Callable[[], Iterable[Event]],
        outboxes: Outboxes,
        window: SourceWindow,
        crashed: Callable[[BaseException], None],
        settler: Settler | None = None,
    ) -> None:
        self._produce = produce
        self._outboxes = outboxes
        self._window = window
        self._crashed = crashed
        self._settler = settler
        self._killed = False
        self._greenlet = gevent.spawn(self._run)

    def _run(self) -> None:
        if self._window.closed:
            return
        targets = self._outboxes.targets(None)
        if self._settler is None:
            for sender in targets:
                if type(sender) is Sender:
                    sender.share_entry(self._outboxes.source)
        try:
            if self._settler is not None:
                self._send_named(self._settler, targets)
            elif len(targets) == 1 and type(targets[0]) is Sender:
                self._feed(targets[0])
            else:
                self._send(targets)
        except BaseException as exc:  # GreenletExit too, which is no error to gevent
            if self._killed:
                raise
            log.exception("produce failed")
            self._crashed(exc)

    def _send(self, targets: Sequence[Sender]) -> None:
        """For any connections."""
        outboxes, window, source = self._outboxes, self._window, self._outboxes.source
        pace, recheck = Pace(window), 1
        for count, event in enumerate(self._produce(), 1):
            if not isinstance(event, Event):
                raise UnsendableData(no_event("produce made", event, PRODUCED))
            outboxes.emit_entry(event, targets, source)
            if count >= recheck:
                recheck = pace.keep(count)
            if window.closed:
                return

    def _send_named(self, settler: Settler, targets: Sequence[Sender]) -> None:
        """For an actor that is told what became of events; those without a position are sent as others are."""
        outboxes, window, source = self._outboxes, self._window, self._outboxes.source
        pace, recheck = Pace(window), 1
        for count, event in enumerate(self._produce(), 1):
            if not isinstance(event, Event):
                raise UnsendableData(no_event("produce made", event, PRODUCED))
            if event.position is not None:
                settler.emit(event, targets)
            else:
                outboxes.emit_entry(event, targets, source)
            if count >= recheck:
                recheck = pace.keep(count)
            if window.closed:
                return

    def _feed(self, sender: Sender) -> None:
        """For one connection: one entry for all events. What is done for each event is written out here."""
        outboxes, window, source, flush = self._outboxes, self._window, self._outboxes.source, self._outboxes.flush
        next_id, append, trail = outboxes.next_id, sender.pending.append, outboxes.trail
        targets, pace, recheck, left = (sender,), Pace(window), 1, 1
        for event in self._produce():
            try:
                content = event._data
            except AttributeError:
                raise UnsendableData(no_event("produce made", event, PRODUCED)) from None
            if (
                type(content) is bytes
                and sender.shared_entry is source
                and event.origin is None
                and not (event._trace or event._context or event._service or event._attributes or event._http)
                and len(content) <= MAX_BODY_BYTES
            ):
                event._id = id_ = next_id()
                source.pending += 1
                append(Parcel(id_, 0, BYTES, content, b"", None, False, trail))
                if not flush.due:
                    flush.schedule()
            else:
                outboxes.emit_entry(event, targets, source)
            left -= 1  # A small number: to count up would make an object for each event.
            if not left:
                count, recheck = recheck, pace.keep(recheck)
                left = recheck - count
            if window.closed:
                return

    def kill(self) -> None:
        """End it, wherever it is."""
        self._killed = True
        self._greenlet.kill()
