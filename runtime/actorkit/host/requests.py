"""Requests of an instance: who waits for which event to come back."""

from __future__ import annotations

import gevent
from gevent.event import AsyncResult

from actorkit.errors import AnswerTimeout, Draining, NotAnswered
from actorkit.event import Event
from actorkit.event.ids import ids
from actorkit.host.outboxes import Outboxes


class Requests:
    """Sends events that come home, and gives each answer to the one who waits for it."""

    def __init__(self, actor: str, instance: str, outboxes: Outboxes) -> None:
        self._actor = actor
        self._instance = instance
        self._outboxes = outboxes
        self._waiting: dict[bytes, AsyncResult] = {}
        #: Keys begin at random, so that a late answer finds nobody who waits in the next process of that name.
        self._next_key = ids()
        self.draining = False

    def __len__(self) -> int:
        return len(self._waiting)

    def ask(self, event: Event, outbox: str | None, timeout_s: float) -> Event:
        """Send an event and wait for its answer.

        Raises:
            NotAnswered: the event was dealt with completely, and nothing came back.
            AnswerTimeout: nothing came back within `timeout_s` seconds.
            NotFound: no outbox of that name is connected.
            Draining: this instance is about to stop.
        """
        if self.draining:
            raise Draining("this instance is about to stop; ask another one")
        targets = self._outboxes.targets(outbox)
        key = self._next_key().to_bytes(8, "big")
        answer = AsyncResult()
        reply_to = {**(event.reply_to or {}), self._actor: (self._instance, key)}
        self._waiting[key] = answer
        try:
            self._outboxes.emit_root(event, targets, lambda: self._finished(answer), reply_to)
            result: Event | None = answer.get(timeout=timeout_s)
        except gevent.Timeout as exc:
            raise AnswerTimeout(f"no answer came within {timeout_s:g} s") from exc
        finally:
            del self._waiting[key]
        if result is None:
            raise NotAnswered("the event was dealt with, and nothing came back")
        return result

    @staticmethod
    def _finished(answer: AsyncResult) -> None:
        if not answer.ready():
            answer.set(None)

    def answered(self, event: Event) -> None:
        """Take an event that came back. It goes to the one who waits; nobody waits for a late or second one."""
        reply_to = event.reply_to or {}
        _, key = reply_to.get(self._actor, ("", b""))
        answer = self._waiting.get(key)
        if answer is None or answer.ready():
            self._outboxes.drop("late-answer" if key else "not-asked-for")
            return
        event.reply_to = {actor: home for actor, home in reply_to.items() if actor != self._actor} or None
        answer.set(event)
