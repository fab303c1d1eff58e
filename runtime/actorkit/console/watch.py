"""Asks the instances again and again, while somebody looks, and tells all who look what it found."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final, TypeVar

import gevent
import msgspec
from gevent.event import Event as Flag
from gevent.pool import Pool

from actorkit.console.plan import Actor, GraphPlan, PlanFile
from actorkit.console.view import Told, View
from actorkit.errors import UNREADABLE
from actorkit.observe.fetch import Page, fetch
from actorkit.transport.addresses import resolve

log = logging.getLogger("actorkit.console")

#: Time between two rounds, in seconds, and how long an instance may take to answer.
ROUND_S: Final = 1.0
PATIENCE_S: Final = 1.0
#: Time between two looks into the boxes of dead letters, in seconds.
LETTERS_S: Final = 3.0
#: Instances that are asked at a time.
AT_A_TIME: Final = 32
#: The kinds of units that tell how many requests wait.
_BROKER: Final = "broker"

_T = TypeVar("_T")


class Counted(msgspec.Struct, frozen=True):
    """What the console takes from `/letters`."""

    counts: dict[str, int] = {}


class Watch:
    """The rounds. `state` is what the last one found."""

    def __init__(self, plans: PlanFile, round_s: float = ROUND_S) -> None:
        self._plans = plans
        self._round_s = round_s
        self._plan = plans.plan()
        self._view = View(self._plan)
        self._pool = Pool(AT_A_TIME)
        self._lookers = 0
        self._wanted = Flag()
        #: Set when the round is over that is under way, or comes next.
        self._over = Flag()
        self._letters: dict[str, int] = {}
        self._letters_at = float("-inf")
        self.state: dict[str, Any] = {}
        self.rounds = 0

    def __repr__(self) -> str:
        return f"<Watch of {self._plan.topology}: {self._lookers} look, {self.rounds} rounds>"

    @property
    def plan(self) -> GraphPlan:
        """The plan as it is now."""
        plan = self._plans.plan()
        if plan is not self._plan:
            self._plan, self._view = plan, View(plan)
        return plan

    @contextmanager
    def look(self) -> Iterator[Callable[[], None]]:
        """Somebody looks, as long as the context is open; the function waits for the next round."""
        self._lookers += 1
        self._wanted.set()
        try:
            yield self._await_round
        finally:
            self._lookers -= 1
            if not self._lookers:
                self._wanted.clear()

    def _await_round(self) -> None:
        self._over.wait()

    def run(self) -> None:
        """Ask, for good. One greenlet does."""
        while True:
            self._wanted.wait()
            began = time.monotonic()
            try:
                self._ask_all()
            except Exception:
                log.exception("a round failed")
            over, self._over = self._over, Flag()
            over.set()
            gevent.sleep(max(0.0, began + self._round_s - time.monotonic()))

    def _ask_all(self) -> None:
        plan, now = self.plan, time.monotonic()
        addresses = self.addresses(plan.actors)
        places = [(actor, address) for actor in plan.actors for address in addresses[actor.name]]
        told = dict(zip(places, self._pool.map(lambda place: _ask(*place), places), strict=True))
        answers: dict[str, dict[str, Told | None]] = {actor.name: {} for actor in plan.actors}
        for (actor, address), one in told.items():
            answers[actor.name][address] = one
        if now - self._letters_at >= LETTERS_S:
            self._letters, self._letters_at = self._count_letters(plan, addresses), now
        self.state = self._view.state(time.monotonic(), answers, self._letters)
        self.rounds += 1

    def _count_letters(self, plan: GraphPlan, known: Mapping[str, list[str]]) -> dict[str, int]:
        """How many dead letters each actor has, as whoever keeps them tells."""
        keepers = sorted({actor.letters for actor in plan.actors if actor.letters})
        addresses = {keeper: known.get(keeper, [])[:1] for keeper in keepers}
        pages = self.ask_each([one for found in addresses.values() for one in found], "/letters")
        told = {keeper: _read(pages.get(found[0]), Counted) for keeper, found in addresses.items() if found}
        return {
            actor.name: counted.counts.get(actor.name, 0)
            for actor in plan.actors
            if (counted := told.get(actor.letters)) is not None
        }

    def addresses(self, actors: Sequence[Actor]) -> dict[str, list[str]]:
        """`host:port` of each instance, by the names of their actors."""
        found = self._pool.map(_addresses, actors)
        return {actor.name: addresses for actor, addresses in zip(actors, found, strict=True)}

    def ask_each(self, addresses: list[str], path: str) -> dict[str, Page]:
        """A page of each of these instances; without those that do not answer."""
        pages = self._pool.map(lambda address: fetch(address, path, PATIENCE_S), addresses)
        return {address: page for address, page in zip(addresses, pages, strict=True) if page is not None}

    def look_again(self) -> None:
        """Count dead letters in the next round: somebody has sent or dropped some."""
        self._letters_at = float("-inf")


def _addresses(actor: Actor) -> list[str]:
    return sorted({address for name in actor.admin for address in resolve(name) or ()})


def _ask(actor: Actor, address: str) -> Told | None:
    """What an instance says of itself; None where it does not answer."""
    told = _page(address, "/graph", Told)
    if told is None or actor.kind != _BROKER:
        return told
    return msgspec.structs.replace(told, scale=_page(address, "/scale", dict[str, int]) or {})


def _page(address: str, path: str, kind: type[_T]) -> _T | None:
    return _read(fetch(address, path, PATIENCE_S), kind)


def _read(page: Page | None, kind: type[_T]) -> _T | None:
    if page is None or page.status != HTTPStatus.OK:
        return None
    try:
        return msgspec.json.decode(page.body, type=kind)
    except UNREADABLE:
        return None
