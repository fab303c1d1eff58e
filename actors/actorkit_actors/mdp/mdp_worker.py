"""Services for the broker, answered by the graph behind this actor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar, Final

import gevent
from msgspec import Meta

from actorkit import Actor, Event, Failure
from actorkit.errors import EventError, RequestFailed, SettingsError
from actorkit.mdp.errors import ServiceFailed
from actorkit.mdp.options import HEARTBEAT_S
from actorkit.mdp.worker.worker import Worker
from actorkit.params import Problem
from actorkit_actors.mdp import envelope
from actorkit_actors.mdp.envelope import Plain

#: A parameter of everything that registers at brokers.
HeartbeatS = Annotated[float, Meta(gt=0, description="interval of heartbeats; the broker's, if that is longer")]

#: How long `teardown` waits for the last answers to be written, in seconds.
CLOSE_S: Final = 2.0


class MDPWorker(Actor):
    """Takes requests for its services, sends each as an event into its outboxes, and answers with what comes back.

    A request whose event fails is answered with the failure, so that the one who asked gets its message and status.
    Requests without actorkit's envelope are taken too, and answered without one. An event is waited for as long as the
    client of its request waits, at most `timeout_s`.

    The `capacity` is shared out over services and brokers, at least one slot for each, and follows the requests: no
    instance holds more of them than it has slots.

    Failures:
        NotAnswered (202): nothing came back for the request; its client learns that there is no answer.
        AnswerTimeout (504): nothing came back within `timeout_s`.
    """

    NAME: ClassVar[str] = "mdp-worker"
    ANSWERS = True
    USES_BROKER = True

    class Params(Actor.Params, frozen=True, kw_only=True):
        service: Annotated[str, Meta(description="service that is answered for")] = ""
        services: Annotated[
            tuple[str, ...], Meta(description="more services; the event's service tells which was asked")
        ] = ()
        capacity: Annotated[
            int,
            Meta(ge=1, le=10_000, description="requests that one instance takes at a time, for all services together"),
        ] = 16
        timeout_s: Annotated[float, Meta(gt=0, description="longest wait for an answer from the graph")] = 25.0
        finish_expired: Annotated[
            bool, Meta(description="whether actors go on with a request that is not waited for any more")
        ] = False
        heartbeat_s: HeartbeatS = HEARTBEAT_S
        request_format: Annotated[Plain, Meta(description="what a request without envelope is read as")] = "bytes"

    params: Params
    #: None until `setup` has made it.
    _worker: Worker | None = None
    _draining: gevent.Greenlet[..., Any] | None = None

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """Whether there is a service."""
        if not (params.service or params.services):
            yield Problem("service", "name the service that this worker answers for")

    def setup(self) -> None:
        """Register at the brokers.

        Raises:
            SettingsError: there is no broker, or no service.
        """
        services = list(dict.fromkeys(filter(None, (self.params.service, *self.params.services))))
        if not services:
            raise SettingsError("service: name the service that this worker answers for")
        if not self.runtime.brokers:
            raise SettingsError("there is no broker; write broker: {} into the topology")
        handlers = {service: partial(self.answer, service) for service in services}
        self._worker = Worker(
            self.runtime.brokers,
            handlers,
            capacity=self.params.capacity,
            heartbeat_s=self.params.heartbeat_s,
            keys=self.runtime.keys,
        )
        self._worker.start()

    def drain(self) -> None:
        """Take no more requests from the brokers; those that were begun are finished."""
        if self._draining is None and self._worker is not None:
            self._draining = gevent.spawn(self._worker.drain, self.params.timeout_s)

    def teardown(self) -> None:
        """Close the connections; a broker gives what is still unanswered to another worker."""
        if self._draining is not None:
            self._draining.join(timeout=CLOSE_S)
            self._draining.kill()
        if self._worker is not None:
            self._worker.close()

    def answer(self, service: str, frames: Sequence[bytes]) -> list[bytes]:
        """Answer one request. A failure is the answer of one that came in an envelope.

        Raises:
            ServiceFailed: the event of a plain request failed.
            EventError: a plain request had no answer.
        """
        packed = envelope.is_packed(frames)
        context = envelope.read_context(frames) if packed else None
        event = Event.unread(*envelope.read_body(frames, self.params.request_format), service=service, context=context)
        if not packed:
            answer = self._ask(event, None)
            if answer.failure is not None:
                failure = answer.failure
                raise ServiceFailed(failure.errors, failure.status, failure.headers, failure.code, failure.details)
            return [answer.encoded()[1]]
        try:
            return envelope.pack(self._ask(event, context.left_ms if context is not None else None))
        except EventError as exc:
            return envelope.pack(_failure_answer(Failure.of(exc, self.name)))

    def _ask(self, event: Event, left_ms: int | None) -> Event:
        """What comes back for an event while its client waits; what failed on the way comes back failed. (The time at
        the broker is not known here; the broker itself refuses what has waited too long.)"""
        timeout_s = self.params.timeout_s if left_ms is None else min(self.params.timeout_s, left_ms / 1000)
        try:
            return self.request(event, timeout_s=timeout_s, finish_expired=self.params.finish_expired)
        except RequestFailed as exc:
            return _failure_answer(exc.failure)


def _failure_answer(failure: Failure) -> Event:
    """The answer that tells a failure."""
    event = Event()
    event.failure = failure
    return event
