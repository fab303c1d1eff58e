"""The dead-letter box of one process: where its failed events are stored when the topology has no box of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import gevent
from gevent.lock import Semaphore

from actorkit.deadletters.letter import Letter, letter_of
from actorkit.deadletters.query import Query
from actorkit.deadletters.store import DeadLetterError, Store
from actorkit.event import Event
from actorkit.event.context import Failure

__all__ = ["Box", "DeadLetterError", "in_a_thread", "letters"]

_T = TypeVar("_T")


class Box:
    """The box as one instance writes it."""

    def __init__(self, folder: Path, actor: str, instance: str) -> None:
        self.actor = actor
        self.instance = instance
        self._folder = folder
        self._store = Store(folder)
        #: The store is for one thread at a time, and several workers of the instance may fail at once.
        self._turn = Semaphore()

    def put(self, event: Event, failure: Failure, inbox: str) -> None:
        """Store an event, and come back when it is on disk.

        Raises:
            DeadLetterError: it cannot be written.
        """
        letter = letter_of(event, failure, actor=self.actor, instance=self.instance, inbox=inbox)
        if (
            gevent.getcurrent() is gevent.get_hub()
        ):  # Nothing can wait there, as where a held event fails in a callback.
            with closing(Store(self._folder)) as store:
                store.put([letter])
            return
        with self._turn:
            in_a_thread(lambda: self._store.put([letter]))

    def close(self) -> None:
        """Close the file; a later `put` opens it again."""
        self._store.close()


def in_a_thread(work: Callable[[], _T]) -> _T:
    """What a call gives that waits for the disk; the loop goes on meanwhile."""
    result: _T = gevent.get_hub().threadpool.apply(work)
    return result


def letters(folder: Path, actor: str = "") -> Iterator[Letter]:
    """Everything in a box, in the order in which it came.

    Raises:
        DeadLetterError: it cannot be read.
    """
    with closing(Store(folder)) as store:
        for stored in store.find(Query(actor=actor), bodies=True):
            yield stored.letter
