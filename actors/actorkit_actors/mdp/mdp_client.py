"""Requests to services at the broker."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from actorkit import Actor, Event, NotFound, ServiceUnavailable
from actorkit.errors import NotAnswered, SettingsError
from actorkit.mdp.client.client import Client
from actorkit.mdp.errors import ServiceFailed
from actorkit_actors.mdp import envelope
from actorkit_actors.mdp.envelope import Plain


class MDPClient(Actor):
    """Asks a service, waits for the answer, and goes on with the answer's data, attributes and HTTP status.

    The service is `service`, or the one that the event names, between `prefix` and `postfix`. A request that gets no
    answer in `timeout_s` fails with status 504, one that no broker took with 503, one that failed in the worker with
    the worker's status: that is an answer, and not asked again. The broker is told how long the one who asked for the
    event still waits, if that is less than `timeout_s`.

    Failures:
        ServiceFailed (the worker's): the event failed in the worker; with its messages and status.
        ServiceRefused (503): no broker took the request: nobody answers for the service, or its queue is full.
        NoBroker (503): no broker is there.
        NoAnswer (504): no answer came within `timeout_s`.
        NotFound (404): the event names no service, and the actor has none.
    """

    NAME: ClassVar[str] = "mdp-client"
    USES_BROKER = True

    class Params(Actor.Params, frozen=True, kw_only=True):
        service: Annotated[str, Meta(description="service to ask; none: the one that the event names")] = ""
        prefix: Annotated[str, Meta(description="text before the service's name")] = ""
        postfix: Annotated[str, Meta(description="text after the service's name")] = ""
        timeout_s: Annotated[float, Meta(gt=0, description="longest wait for an answer, all attempts together")] = 25.0
        retries: Annotated[
            int,
            Meta(ge=0, description="how often a request without answer is sent again; the service must bear repeats"),
        ] = 0
        backoff_s: Annotated[
            float,
            Meta(gt=0, description="pause before the first retry when no broker takes the request; doubles with each"),
        ] = 1.0
        plain: Annotated[bool, Meta(description="send the body alone, for workers that are not actorkit's")] = False
        answer_format: Annotated[Plain, Meta(description="what an answer without envelope is read as")] = "bytes"
        concurrency: Annotated[
            int, Meta(ge=1, le=10_000, description="requests that one instance has under way at a time")
        ] = 64

    params: Params
    #: How often a request is sent again.
    _retries = 0
    #: None until `setup` has made it.
    _client: Client | None = None

    def setup(self) -> None:
        """Connect to the brokers.

        Raises:
            SettingsError: there is no broker.
        """
        if not self.runtime.brokers:
            raise SettingsError("there is no broker; write broker: {} into the topology")
        self._client = Client(self.runtime.brokers, keys=self.runtime.keys)
        # The attempts are the client's: at another broker, within `timeout_s`. Consume is not repeated on top of them.
        self._retries = self.params.retries
        self.params = msgspec.structs.replace(self.params, retries=0)

    def teardown(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def consume(self, event: Event) -> Event | None:
        """Ask, and return the answer as a part of the event's trace; None when the service has nothing to say.

        Raises:
            ServiceFailed: the worker's event failed; with its message and status.
            EventError: no answer came (`actorkit.mdp.errors`).
        """
        client = self._client
        if client is None:
            raise ServiceUnavailable("the client is not set up")
        name = self.params.service or event.service
        if not name:
            raise NotFound("the event names no service, and the actor has none")
        service = f"{self.params.prefix}{name}{self.params.postfix}"
        left_s, timeout_s = event.deadline, self.params.timeout_s
        timeout_s = timeout_s if left_s is None else min(timeout_s, left_s)
        frames = [event.encoded()[1]] if self.params.plain else envelope.pack(event, timeout_s)
        answer = client.call(
            service,
            frames,
            timeout_s=timeout_s,
            retries=self._retries,
            backoff_s=self.params.backoff_s,
        )
        context = envelope.read_context(answer)
        failure = context.failure
        if failure is not None:
            if failure.kind == NotAnswered.__name__:
                return None
            raise ServiceFailed(failure.errors, failure.status, failure.headers, failure.code, failure.details)
        result = event.with_body(*envelope.read_body(answer, self.params.answer_format))
        if context.attributes:
            result.attributes.update(context.attributes)
        if context.http is not None and result.http is not None:
            result.http.status = context.http.status
            result.http.reply_headers = context.http.reply_headers
        return result
