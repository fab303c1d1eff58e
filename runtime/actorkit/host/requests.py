"""Requests of an instance: who waits for which event to come back."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

from gevent import get_hub
from gevent.hub import Waiter as Waiting

from actorkit.edge.outcome import Answer, Failed, Outcome
from actorkit.edge.sender import Sender
from actorkit.edge.wire import Delivery
from actorkit.errors import AnswerTimeout, Draining, NotAnswered, RequestFailed
from actorkit.event import Event
from actorkit.event.parcel import Waiter
from actorkit.host.elsewhere import call_in
from actorkit.host.outboxes import Outboxes

#: Length of the key that an answer must have.
KEY_BYTES: Final = 16


#: How many random bytes are fetched at a time: the system is asked once for 256 keys.
RANDOM_BYTES: Final = 4096

#: So long a native thread waits for the loop beyond the time that its answer has, in seconds.
LOOP_S: Final = 5.0


def _nothing() -> None: ...


class Request:
    """One event that was sent and is waited for; the ledger's entry of it. `parent` is the event that is being consumed
    meanwhile, if any; `finished` is called when all that was sent is done.

    Attributes:
        key: names the one who waits.
        over: whether the answer is there, or none will be taken any more.
    """

    __slots__ = ("_answer", "_failed", "_finished", "_parent", "_requests", "_waiter", "key", "over", "pending")

    def __init__(self, requests: Requests, key: bytes, parent: Delivery | None, finished: Callable[[], None]) -> None:
        self._requests = requests
        self._parent = parent
        self._finished = finished
        self._answer: Event | None = None
        #: Why it, or something that it became, failed.
        self._failed: Failed | None = None
        #: Where the one who waits is woken; None before and after.
        self._waiter: Waiting | None = None
        self.key = key
        self.over = False
        self.pending = 1

    def tell(self, outcome: Outcome) -> None:
        """Take an outcome that came up with the acknowledgements: the answer to this request, an answer for whoever
        waits for its parent, or a failure."""
        if type(outcome) is Failed:
            self._failed = self._failed or outcome
        elif type(outcome) is Answer:
            if outcome.actor == self._requests.actor and outcome.key == self.key:
                self.take(Event.received(outcome.parcel))
            elif self._parent is not None:
                self._parent.tell(outcome)
            else:
                self._requests.outboxes.drop("late-answer")

    def take(self, event: Event) -> None:
        """Take the answer; a second one is dropped."""
        if self.over:
            self._requests.outboxes.drop("late-answer")
        else:
            self._answer = event
            self.end()

    def done(self) -> None:
        """All that was sent is done."""
        self._requests.outboxes.ended()
        if not self.over:
            self.end()
        self._finished()

    def end(self) -> None:
        """Wake the one who waits; what comes now is late."""
        self.over = True
        if self._waiter is not None:
            self._waiter.hub.loop.run_callback(self._waiter.switch, None)

    def result(self, timeout_s: float) -> Event:
        """The answer. Raises what `Requests.ask` does."""
        if not self.over:
            self._wait(timeout_s)
            if not self.over:
                raise AnswerTimeout(f"no answer came within {timeout_s:g} s")
        if self._answer is not None:
            return self._answer
        if self._failed is None:
            raise NotAnswered("the event was dealt with, and nothing came back")
        failure, status = self._failed.failure, self._failed.http_status
        raise RequestFailed(failure, status if status >= 400 else failure.status, self._failed.reply_headers)

    def _wait(self, timeout_s: float) -> None:
        """Wait until it is over, or the time is. (A Timeout around an AsyncResult would cost three times this.)"""
        self._waiter = waiter = Waiting()
        timer = waiter.hub.loop.timer(max(0.0, timeout_s))
        timer.start(waiter.switch, None)
        try:
            waiter.get()
        finally:
            self._waiter = None
            timer.stop()
            timer.close()


class Requests:
    """Sends events that ask for an answer, and gives each answer to the one who waits for it. All of it is done in the
    loop of the thread that made it, also for native threads that ask."""

    def __init__(self, actor: str, instance: str, outboxes: Outboxes) -> None:
        self.actor = actor
        self._instance = instance
        self.outboxes = outboxes
        self._waiting: dict[bytes, Request] = {}
        self._hub = get_hub()
        #: Random bytes that no key has been made of yet.
        self._random = b""
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
        if get_hub() is not self._hub:
            try:
                return call_in(
                    self._hub,
                    lambda: self.ask(event, outbox, timeout_s, finish_expired, parent, finished),
                    timeout_s + LOOP_S,
                )
            except TimeoutError as exc:
                raise AnswerTimeout(f"no answer came within {timeout_s:g} s, and {exc}") from exc
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
            if not request.over:
                request.over = True  # What comes now is late.
                if deadline_ms is not None:
                    self._withdraw(targets, request.key, deadline_ms)

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
        targets = self.outboxes.targets(outbox)
        key = self._new_key()
        entry = parent.origin if parent is not None and type(parent.origin) is Delivery else None
        self._waiting[key] = request = Request(self, key, entry, finished)
        waiter = Waiter(self._instance, key, deadline_ms)
        others = event.reply_to
        try:
            self.outboxes.emit_request(
                event, targets, request, {**others, self.actor: waiter} if others else {self.actor: waiter}
            )
        except BaseException:
            del self._waiting[key]
            raise
        return request, targets

    def _new_key(self) -> bytes:
        """A key that nobody can guess: who could, could forge the answer."""
        if not self._random:
            self._random = os.urandom(RANDOM_BYTES)
        key, self._random = self._random[:KEY_BYTES], self._random[KEY_BYTES:]
        return key

    def _withdraw(self, targets: Sequence[Sender], key: bytes, deadline_ms: int) -> None:
        """Nobody waits any more: what has not left this instance does not leave it. Whoever has got it knows its
        deadline, and is told where that is not over."""
        if monotonic() * 1000 >= deadline_ms:
            for sender in targets:
                sender.withdraw(key)
            return
        for sender in targets:
            sender.give_up([key])
        self.outboxes.flush.schedule()

    def answered(self, event: Event) -> None:
        """Take an event that came back. It goes to the one who waits; nobody waits for a late or second one."""
        reply_to = event.reply_to or {}
        waiter = reply_to.get(self.actor)
        request = self._waiting.get(waiter.key) if waiter is not None else None
        if request is None:
            self.outboxes.drop("late-answer" if waiter is not None else "not-asked-for")
            return
        event.reply_to = (
            {actor: other for actor, other in reply_to.items() if actor != self.actor} if len(reply_to) > 1 else None
        )
        request.take(event)
