"""Requests of an instance: who waits for which event to come back."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

import gevent
from gevent.event import AsyncResult

from actorkit.edge.outcome import Answer, Failed, Outcome
from actorkit.edge.sender import Sender
from actorkit.edge.wire import Delivery
from actorkit.errors import AnswerTimeout, Draining, NotAnswered, RequestFailed
from actorkit.event import Event
from actorkit.event.parcel import Waiter
from actorkit.host.outboxes import Outboxes

#: Length of the key that an answer must have.
KEY_BYTES: Final = 16


def _nothing() -> None: ...


class Request:
    """One event that was sent and is waited for. `parent` is the event that is being consumed meanwhile, if any."""

    def __init__(self, actor: str, key: bytes, parent: Delivery | None, outboxes: Outboxes) -> None:
        self._actor = actor
        #: Names the one who waits.
        self.key = key
        self._parent = parent
        self._outboxes = outboxes
        #: Gets the answer; None when all is done and there is none.
        self.answer = AsyncResult()
        #: Why it, or something that it became, failed.
        self.failed: Failed | None = None

    def told(self, outcome: Outcome) -> None:
        """Take an outcome that came up with the acknowledgements: the answer to this request, an answer for whoever
        waits for its parent, or a failure."""
        if type(outcome) is Failed:
            self.failed = self.failed or outcome
        elif type(outcome) is Answer:
            if outcome.actor == self._actor and outcome.key == self.key:
                self.take(Event.received(outcome.parcel))
            elif self._parent is not None:
                self._parent.tell(outcome)
            else:
                self._outboxes.drop("late-answer")

    def take(self, event: Event) -> None:
        """Take the answer; a second one is dropped."""
        if self.answer.ready():
            self._outboxes.drop("late-answer")
        else:
            self.answer.set(event)

    def finished(self) -> None:
        """All that was sent is done."""
        if not self.answer.ready():
            self.answer.set(None)

    def result(self, timeout_s: float) -> Event:
        """The answer. Raises what `Requests.ask` does."""
        try:
            event: Event | None = self.answer.get(timeout=timeout_s)
        except gevent.Timeout as exc:
            raise AnswerTimeout(f"no answer came within {timeout_s:g} s") from exc
        if event is not None:
            return event
        if self.failed is None:
            raise NotAnswered("the event was dealt with, and nothing came back")
        failure, status = self.failed.failure, self.failed.http_status
        raise RequestFailed(failure, status if status >= 400 else failure.status, self.failed.reply_headers)


class Requests:
    """Sends events that ask for an answer, and gives each answer to the one who waits for it."""

    def __init__(self, actor: str, instance: str, outboxes: Outboxes) -> None:
        self._actor = actor
        self._instance = instance
        self._outboxes = outboxes
        self._waiting: dict[bytes, Request] = {}
        self.draining = False

    def __len__(self) -> int:
        return len(self._waiting)

    def ask(
        self,
        event: Event,
        outbox: str | None,
        timeout_s: float,
        finish_expired: bool = False,
        parent: Event | None = None,
        finished: Callable[[], None] = _nothing,
    ) -> Event:
        """Send an event and wait for its answer, at most as long as the event itself is waited for. `parent` is the
        event that is being consumed meanwhile. `finished` is called once, when all that the event became is done, or
        when it could not be sent.

        Raises:
            NotAnswered: the event was dealt with completely, and nothing came back.
            RequestFailed: it failed, and no error connection brought it back.
            AnswerTimeout: nothing came back within `timeout_s` seconds.
            NotFound: no outbox of that name is connected.
            Draining: this instance is about to stop.
        """
        left_s = event.deadline
        if left_s is not None:
            timeout_s = min(timeout_s, left_s)
        deadline_ms = None if finish_expired else int((monotonic() + timeout_s) * 1000)
        try:
            request, targets = self._send(event, outbox, deadline_ms, parent, finished)
        except BaseException:
            finished()
            raise
        try:
            return request.result(timeout_s)
        finally:
            del self._waiting[request.key]
            if not request.answer.ready():
                request.finished()  # What comes now is late.
                if not finish_expired:
                    self._withdraw(targets, request.key)

    def _send(
        self,
        event: Event,
        outbox: str | None,
        deadline_ms: int | None,
        parent: Event | None,
        finished: Callable[[], None],
    ) -> tuple[Request, Sequence[Sender]]:
        """Send an event; its answer goes to the request."""
        if self.draining:
            raise Draining("this instance is about to stop; ask another one")
        targets = self._outboxes.targets(outbox)
        key = os.urandom(KEY_BYTES)  # Who could guess it could forge the answer.
        entry = parent.origin if parent is not None and type(parent.origin) is Delivery else None
        request = Request(self._actor, key, entry, self._outboxes)
        reply_to = {**(event.reply_to or {}), self._actor: Waiter(self._instance, key, deadline_ms)}

        def end() -> None:
            request.finished()
            finished()

        self._waiting[key] = request
        try:
            self._outboxes.emit_root(event, targets, end, reply_to, request.told)
        except BaseException:
            del self._waiting[key]
            raise
        return request, targets

    def _withdraw(self, targets: Sequence[Sender], key: bytes) -> None:
        """Nobody waits any more: what has not left this instance does not leave it."""
        for sender in targets:
            sender.withdraw(key)

    def answered(self, event: Event) -> None:
        """Take an event that came back. It goes to the one who waits; nobody waits for a late or second one."""
        reply_to = event.reply_to or {}
        waiter = reply_to.get(self._actor)
        request = self._waiting.get(waiter.key) if waiter is not None else None
        if request is None:
            self._outboxes.drop("late-answer" if waiter is not None else "not-asked-for")
            return
        event.reply_to = {actor: other for actor, other in reply_to.items() if actor != self._actor} or None
        request.take(event)
