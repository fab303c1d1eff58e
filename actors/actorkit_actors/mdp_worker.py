"""Services for the broker, answered by the graph behind this actor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from actorkit import Actor, Event, ServiceUnavailable
from actorkit.errors import EventError, SettingsError
from actorkit.mdp.errors import ServiceFailed
from actorkit.mdp.worker import Worker
from actorkit_actors import envelope
from actorkit_actors.envelope import Plain


class MDPWorker(Actor):
    """Takes requests for its services, sends each as an event into its outboxes, and answers with what comes back.

    A request whose event fails is answered with the failure, so that the one who asked gets its message and status.
    Requests without actorkit's envelope are taken too, and answered without one.
    """

    ANSWERS = True
    USES_BROKER = True

    class Params(Actor.Params, frozen=True, kw_only=True):
        service: Annotated[str, Meta(description="service that is answered for")] = ""
        services: Annotated[tuple[str, ...], Meta(description="more services; the event's service tells which was asked")] = ()
        capacity: Annotated[int, Meta(ge=1, le=10_000, description="requests that one instance takes at a time")] = 16
        timeout_s: Annotated[float, Meta(gt=0, description="longest wait for an answer from the graph")] = 25.0
        request_format: Annotated[Plain, Meta(description="what a request without envelope is read as")] = "bytes"

    params: Params

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
        self._worker = Worker(self.runtime.brokers, services, self.answer, capacity=self.params.capacity)
        self._worker.start()

    def teardown(self) -> None:
        """Sign off at the brokers and close the connections."""
        self._worker.stop()

    def answer(self, service: str, frames: Sequence[bytes]) -> list[bytes]:
        """Answer one request.

        Raises:
            ServiceFailed: its event failed; with the message and the status of the failure.
            EventError: no answer could be had.
        """
        packed = envelope.is_packed(frames)
        event = Event.unread(*envelope.read_body(frames, self.params.request_format), service=service)
        if packed:
            asked = envelope.read_context(frames)
            context = event.context
            context.trace, context.created = asked.trace or event.id, asked.created or context.created
            context.attributes, context.http = asked.attributes, asked.http
        answer = self.request(event, timeout_s=self.params.timeout_s)
        failure = answer.failure
        if failure is not None:
            raise ServiceFailed(failure.message, failure.status)
        return envelope.pack(answer) if packed else [answer.encoded()[1]]
