"""Events whose key was there before are not let by."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, ClassVar, TypeVar

import gevent
from gevent.lock import Semaphore
from msgspec import Meta

from actorkit import Actor, Event
from actorkit.errors import BatchFailed, EventError, ServiceUnavailable, SettingsError
from actorkit.observe.figures import Figure
from actorkit.params import Problem
from actorkit_actors.flow.seen_keys import SeenKeys, SeenKeysError
from actorkit_actors.flow.selected_key import Place, key_of

T = TypeVar("T")


class Deduplicate(Actor):
    """Lets the first event with a key by; the next ones with the same key, for `window_s`, go to `duplicate` or end.

    The key is what is at one place of the event, by default its whole data. Keys are kept in a file, which outlives the
    instance and its being killed: an event that comes again because it was not finished is not taken for another one
    with its key, and goes on. A key counts as seen when its first event is let by: should that one fail later on, the
    next with its key is a duplicate all the same. There is one instance, as there is one file.

    Boxes: `duplicate`, for events whose key was there before; where it is not connected, they end here.

    Failures:
        MalformedEvent (400): the event has no key.
        ServiceUnavailable (503): the file cannot be written, as on a disk that is full. `retries` helps.
    """

    NAME: ClassVar[str] = "deduplicate"
    EXTRA: ClassVar[str] = "flow"
    OUTBOXES: ClassVar[tuple[str, ...]] = ("duplicate",)
    KEEPS: ClassVar[dict[str, str]] = {"folder": "/var/lib/actorkit/data"}

    class Params(Actor.BatchParams, frozen=True, kw_only=True):
        key: Annotated[
            Place, Meta(description="where the key is: a path (data/id, attributes/id), an xpath or a jsonpath")
        ] = "data"
        window_s: Annotated[float, Meta(gt=0, description="how long a key is remembered after its first event")] = (
            86_400.0
        )
        max_keys: Annotated[
            int, Meta(ge=1, description="keys that are remembered, about 100 bytes each; the oldest are forgotten")
        ] = 1_000_000
        folder: Annotated[str, Meta(description="folder of the file with the keys; a volume in a deployment")] = (
            "/var/lib/actorkit/data"
        )

    params: Params
    _dropped = 0
    _seen: SeenKeys | None = None

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """A key that is none."""
        try:
            key_of(params.key)
        except SettingsError as exc:
            yield Problem("key", exc.message.removeprefix("key: "))

    def setup(self) -> None:
        """Open the file.

        Raises:
            SettingsError: the folder cannot be used, or the key cannot be read.
        """
        self._key = key_of(self.params.key)
        seen = SeenKeys(Path(self.params.folder), self.params.window_s, self.params.max_keys, time.time)
        #: The file is for one thread at a time.
        self._turn = Semaphore()
        try:
            seen.open()
        except SeenKeysError as exc:
            raise SettingsError(f"folder: {exc.message}. Name one that can be written.") from exc
        self._seen = seen

    def teardown(self) -> None:
        """Close the file."""
        if self._seen is not None:
            self._seen.close()

    def consume_batch(self, events: list[Event]) -> None:
        """Let by what is new.

        Raises:
            BatchFailed: some have no key.
            ServiceUnavailable: the file cannot be used.
        """
        seen = self._seen
        if seen is None:
            raise TypeError("setup has not run")
        keyed: list[tuple[Event, tuple[bytes, bytes]]] = []
        failures: dict[Event, BaseException] = {}
        for event in events:
            try:
                keyed.append((event, (self._key(event), bytes.fromhex(event.key))))
            except EventError as exc:
                failures[event] = exc
        crowded_out = seen.crowded_out
        try:
            with self._turn:
                admitted = in_a_thread(lambda: seen.admit([named for _, named in keyed]))
        except SeenKeysError as exc:
            raise ServiceUnavailable(exc.message) from exc
        if seen.crowded_out and not crowded_out:
            self.log.warning("more than %d keys are seen in a window; the oldest are forgotten", self.params.max_keys)
        for (event, _), is_new in zip(keyed, admitted, strict=True):
            self._dropped += not is_new
            self.send(event, None if is_new else "duplicate")
        if failures:
            raise BatchFailed(failures)

    def figures(self) -> Iterable[Figure]:
        """What is remembered, and what was not let by."""
        yield Figure("actorkit_deduplicate_keys", "Keys that are remembered.", self._seen.count if self._seen else 0)
        yield Figure("actorkit_deduplicate_dropped_total", "Events whose key was there before.", self._dropped)


def in_a_thread(work: Callable[[], T]) -> T:
    """What a call gives that waits for the disk; the loop goes on meanwhile."""
    result: T = gevent.get_hub().threadpool.apply(work)
    return result
