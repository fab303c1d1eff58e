"""The actors that `kit chaos` puts around a topology. They run in processes of their own, as all actors do."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import gevent
from msgspec import Meta

from actorkit import Actor, Event, JSONEvent
from actorkit.event.body import JSON, TEXT, XML
from actorkit_kit.chaos.poison import ATTRIBUTE
from actorkit_kit.chaos.records import MADE, SEEN

#: How often a source looks for its quota, in seconds.
POLL_INTERVAL_S: Final = 0.05
#: A source that is held back makes up for at most this much of the time that it lost, in seconds.
MAKE_UP_S: Final = 1.0
#: Ending of a body's file → its format; all others are text.
FORMATS: Final = {".json": JSON, ".xml": XML}


class _Journal:
    """A file that records are appended to, each with one write: it is whole, whenever the process is killed."""

    def __init__(self, path: str) -> None:
        self._number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def put(self, record: bytes) -> None:
        os.write(self._number, record)

    def close(self) -> None:
        os.close(self._number)


class Source(Actor):
    """Makes events at an even pace and writes down the trace of each.

    It obeys the file `quota`: how many events to make in all; and says in `quota` with the ending `.done` which order
    it has carried out.
    """

    class Params(Actor.Params, frozen=True, kw_only=True):
        """Parameters of the actor."""

        made: Annotated[str, Meta(description="file to write down what was made")]
        quota: Annotated[str, Meta(description="file that says how many events to make")]
        rate: Annotated[float, Meta(gt=0, description="events in a second")] = 100.0
        body: Annotated[str, Meta(description="file with the body of each event; none: its number as JSON")] = ""
        seen: Annotated[str, Meta(description="file to write down what comes back")] = ""
        poison: Annotated[dict[str, str], Meta(description="number of an event that is poison → how it ends")] = {}
        poisoned: Annotated[str, Meta(description="file to write down what is poison")] = ""

    params: Params

    def setup(self) -> None:
        """Open the journal."""
        self._made = _Journal(self.params.made)
        path = Path(self.params.body)
        self._poisoned = _Journal(self.params.poisoned) if self.params.poisoned else None
        self._body = (FORMATS.get(path.suffix, TEXT), path.read_bytes()) if self.params.body else None

    def teardown(self) -> None:
        """Close the journals."""
        self._made.close()
        if self._poisoned is not None:
            self._poisoned.close()

    def produce(self) -> Iterator[Event]:
        """Make events as ordered."""
        number, limit, looked, due = 0, 0, 0.0, time.monotonic()
        while not self.runtime.draining:
            now = time.monotonic()
            if number >= limit or now - looked >= POLL_INTERVAL_S:
                limit, looked = self._read_quota(number), now
            if number >= limit:
                gevent.sleep(POLL_INTERVAL_S)
                due = time.monotonic()
                continue
            due = max(due, now - MAKE_UP_S) + 1 / self.params.rate
            if due > now:
                gevent.sleep(due - now)
            event = Event.unread(*self._body) if self._body else JSONEvent({"number": number})
            way = self.params.poison.get(str(number)) if self._poisoned is not None else None
            if way is not None:
                event.attributes[ATTRIBUTE] = way
            at_ns = time.monotonic_ns()
            yield event
            number += 1
            record = MADE.pack(int(event.trace, 16), at_ns)  # Not sooner: it is named when it is sent.
            self._made.put(record)
            if way is not None and self._poisoned is not None:
                self._poisoned.put(record)

    def _read_quota(self, number: int) -> int:
        """How many events to make in all; writes down when that many are made."""
        path = Path(self.params.quota)
        text = path.read_text() if path.exists() else "0"
        done = path.with_suffix(".done")
        if number >= int(text) and (not done.exists() or done.read_text() != text):
            temporary = path.with_suffix(".new")
            temporary.write_text(text)
            temporary.replace(done)
        return int(text)


class Sink(Actor):
    """Writes down every event that arrives."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        """Parameters of the actor."""

        seen: Annotated[str, Meta(description="file to write down what arrives")]

    params: Params

    def setup(self) -> None:
        """Open the journal."""
        self._seen = _Journal(self.params.seen)

    def teardown(self) -> None:
        """Close the journal."""
        self._seen.close()

    def consume(self, event: Event) -> None:
        """Write it down."""
        self._seen.put(_record(event))


class Front(Source):
    """A source whose events come back to it, as they do to a server."""

    def setup(self) -> None:
        """Open both journals."""
        super().setup()
        self._seen = _Journal(self.params.seen)

    def teardown(self) -> None:
        """Close both journals."""
        super().teardown()
        self._seen.close()

    def consume(self, event: Event) -> None:
        """Write it down."""
        self._seen.put(_record(event))


def _record(event: Event) -> bytes:
    return SEEN.pack(int(event.trace, 16), event.number, time.monotonic_ns(), event.failure is not None)
