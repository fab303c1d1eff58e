"""The dead-letter box of a topology: keeps what failed where no error outbox takes it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, ClassVar, Final

import gevent
from gevent.event import Event as Flag
from gevent.lock import Semaphore
from msgspec import Meta

from actorkit import Actor, Event
from actorkit.deadletters.box import in_a_thread
from actorkit.deadletters.letter import ATTRIBUTE, Letter
from actorkit.deadletters.store import DeadLetterError, Store, Totals
from actorkit.errors import MalformedEvent, SettingsError
from actorkit.observe.figures import Figure

#: The least that a box may hold, in bytes: the longest letter fits into it.
LEAST_BYTES: Final = 64 << 20

#: Pause before what could not be stored is stored again, and between two words about that in the log, in seconds.
STORE_AGAIN_S: Final = 1.0
TELL_AGAIN_S: Final = 60.0

#: How often it is looked what there is, and for letters that are too old, in seconds.
LOOK_S: Final = 5.0
SWEEP_S: Final = 60.0

DAY_S: Final = 86_400.0


class DeadLetters(Actor):
    """Keeps events that failed where no error outbox takes them.

    Every topology that is deployed has one, named `dead-letters`: each actor without an `error` connection sends it
    what fails there, and waits until that is on the disk. `kit dlq` lists, shows, sends again and drops what it holds.
    `kit run` keeps the same file without it. The file is one instance's: it has no replicas.

    A box that is full takes nothing: the actors wait, and what fails next holds them up. Letters that are too old are
    dropped.
    """

    NAME: ClassVar[str] = "dead-letters"
    EXTRA: ClassVar[str] = ""
    KIND: ClassVar[str] = "dead-letters"
    KEEPS = {"folder": "/var/lib/actorkit/data"}

    class Params(Actor.Params, frozen=True, kw_only=True):
        folder: Annotated[str, Meta(description="folder that the letters are kept in; a volume in a deployment")] = (
            "/var/lib/actorkit/data"
        )
        max_bytes: Annotated[
            int, Meta(ge=LEAST_BYTES, description="what the letters may take; then who has more of them waits")
        ] = 512 << 20
        keep_days: Annotated[
            float, Meta(gt=0, description="how long a letter is kept that nobody sends again or drops, in days")
        ] = 30.0
        concurrency: Annotated[
            int, Meta(ge=1, le=10_000, description="letters that are written in one step, at most")
        ] = 64

    params: Params
    _store: Store
    _totals = Totals(0, 0, None)
    _greenlets: tuple[gevent.Greenlet[[], None], ...] = ()
    #: When it was last told that letters cannot be stored; None: not yet.
    _told: float | None = None

    def setup(self) -> None:
        """Open the file.

        Raises:
            SettingsError: the folder cannot be used.
        """
        self._store = Store(Path(self.params.folder), self.params.max_bytes)
        try:
            self._store.open()
            self._totals = self._store.totals()
        except DeadLetterError as exc:
            raise SettingsError(f"folder: {exc.message}. Name one that can be written.") from exc
        #: Letters that wait to be written, and what their workers wait for.
        self._waiting = list[tuple[Letter, Flag]]()
        self._news = Flag()
        #: The store is for one thread at a time.
        self._turn = Semaphore()
        self._greenlets = (gevent.spawn(self._write), gevent.spawn(self._look))

    def teardown(self) -> None:
        """Close the file."""
        if self._greenlets:
            gevent.killall(self._greenlets)
            self._store.close()

    def consume(self, event: Event) -> None:
        """Store one letter, and come back when it is on the disk."""
        record = event.attributes.get(ATTRIBUTE)
        if not isinstance(record, str):
            raise MalformedEvent("this event is no dead letter: only the runtime sends to the box")
        letter, stored = Letter.read(record, event.encoded()[1]), Flag()
        self._waiting.append((letter, stored))
        self._news.set()
        stored.wait()

    def _write(self) -> None:
        """Write what waits, all of it in one step; what comes meanwhile is the next step's."""
        while True:
            self._news.wait()
            self._news.clear()
            while self._waiting:
                some = self._waiting.copy()
                written = self._put([letter for letter, _ in some])
                del self._waiting[:written]
                for _, stored in some[:written]:
                    stored.set()
                if written < len(some):
                    gevent.sleep(STORE_AGAIN_S)

    def _put(self, letters: list[Letter]) -> int:
        """Store letters; how many of them, from the first, are stored."""
        try:
            with self._turn:
                written = in_a_thread(lambda: self._store.put(letters))
                self._totals = in_a_thread(self._store.totals)
        except DeadLetterError as exc:
            self._tell(exc.message)
            return 0
        if written < len(letters):
            self._tell(f"the box is full: its letters take {self._totals.bytes} of {self.params.max_bytes} bytes")
        return written

    def _tell(self, why: str) -> None:
        now = time.monotonic()
        if self._told is None or now - self._told >= TELL_AGAIN_S:
            self._told = now
            self.log.error("%s; actors wait with what fails. Send letters again, drop some, or raise max_bytes.", why)

    def _look(self) -> None:
        """See what there is, as `kit dlq` takes letters out as well, and drop what is too old."""
        sweep_at = 0.0
        while True:
            now = time.monotonic()
            try:
                with self._turn:
                    if now >= sweep_at:
                        sweep_at = now + SWEEP_S
                        self._tell_of_old(in_a_thread(lambda: self._store.remove_older(self.params.keep_days * DAY_S)))
                    self._totals = in_a_thread(self._store.totals)
            except DeadLetterError as exc:
                self._tell(exc.message)
            gevent.sleep(LOOK_S)

    def _tell_of_old(self, dropped: int) -> None:
        if dropped:
            self.log.warning("%d letters older than %g days were dropped", dropped, self.params.keep_days)

    def figures(self) -> Iterable[Figure]:
        """What the box holds."""
        totals = self._totals
        oldest_s = max(0.0, time.time() - totals.oldest) if totals.oldest is not None else 0.0
        yield Figure("actorkit_dead_letters", "Letters in the box.", totals.letters)
        yield Figure("actorkit_dead_letters_bytes", "What the letters take.", totals.bytes)
        yield Figure("actorkit_dead_letters_limit_bytes", "What they may take.", self.params.max_bytes)
        yield Figure("actorkit_dead_letters_oldest_seconds", "Age of the oldest letter.", oldest_s)
        yield Figure(
            "actorkit_dead_letters_limit_seconds", "Age at which letters are dropped.", self.params.keep_days * DAY_S
        )
