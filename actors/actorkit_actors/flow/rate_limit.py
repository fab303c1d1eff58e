"""No more events than a rate allows."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

import gevent
from msgspec import Meta

from actorkit import Actor, Event
from actorkit.errors import RateExceeded, SettingsError
from actorkit.observe.figures import Figure
from actorkit.params import Problem
from actorkit_actors.flow.bucket import MAX_KEYS, Buckets
from actorkit_actors.flow.selected_key import Place, key_of


class RateLimit(Actor):
    """Lets `rate` events a second by, and `burst` at once: a token bucket, for all events or for each key.

    What is too much is refused at once (`over: refuse`; an HTTP client gets 429 with Retry-After), or waits for its
    turn (`over: delay`): it stays unacknowledged meanwhile, so nothing is lost, and who sends it is held up. With one
    rate for all, events keep their order; with a key they wait beside each other, as many as `concurrency` says.

    Each instance counts for itself, and begins anew with each start: with replicas the rate is that of one of them.

    Failures:
        RateExceeded (429): the event is too much; or it would have to wait longer than `max_delay_s`.
        MalformedEvent (400): the event has no key.
    """

    NAME: ClassVar[str] = "rate-limit"
    EXTRA: ClassVar[str] = "flow"

    class Params(Actor.Params, frozen=True, kw_only=True):
        rate: Annotated[float, Meta(gt=0, description="events that are let by, per second")]
        burst: Annotated[int, Meta(ge=1, description="events that are let by at once, after a pause")] = 1
        key: Annotated[
            Place, Meta(description="where the key is: a path (http/remote), an xpath or a jsonpath; empty: no key")
        ] = ""
        over: Annotated[Literal["refuse", "delay"], Meta(description="what becomes of what is too much")] = "refuse"
        max_delay_s: Annotated[float, Meta(ge=0, description="longest wait; what would wait longer is refused")] = 60.0
        max_keys: Annotated[int, Meta(ge=1, description="keys that are remembered; the least used are forgotten")] = (
            MAX_KEYS
        )

    params: Params
    _refused = 0

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """A key that is none."""
        try:
            if params.key:
                key_of(params.key)
        except SettingsError as exc:
            yield Problem("key", exc.message.removeprefix("key: "))

    def setup(self) -> None:
        """Begin with full buckets.

        Raises:
            SettingsError: the key cannot be read.
        """
        self._key = key_of(self.params.key) if self.params.key else None
        self._buckets = Buckets(self.params.rate, self.params.burst, self.params.max_keys)

    def consume(self, event: Event) -> Event:
        """Let the event by, at once or in its turn.

        Raises:
            RateExceeded: it is too much.
        """
        key = self._key(event) if self._key is not None else b""
        now = time.monotonic()
        if self.params.over == "refuse":
            wait_s = self._buckets.take(key, now)
            taken = not wait_s
        else:
            wait_s, taken = self._buckets.reserve(key, now, self.params.max_delay_s)
        if not taken:
            self._refused += 1
            raise RateExceeded(f"more than {self.params.rate:g} events a second", retry_after_s=wait_s)
        if wait_s:
            gevent.sleep(wait_s)
        return event

    def figures(self) -> Iterable[Figure]:
        """What was refused, and the keys whose buckets are not full."""
        yield Figure("actorkit_rate_limit_refused_total", "Events that were too much.", self._refused)
        yield Figure("actorkit_rate_limit_keys", "Keys that have used some of their rate lately.", len(self._buckets))
