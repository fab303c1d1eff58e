"""One event of those that belong together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from actorkit import Actor, Event, every
from actorkit.errors import Conflict, EventError, MalformedEvent
from actorkit.event.selector import Selector
from actorkit.observe.figures import Figure
from actorkit.params import Problem
from actorkit_actors.flow.gathered import Group, Groups, Part
from actorkit_actors.flow.gathering import Gathering
from actorkit_actors.flow.merged import RootParam, ToParam

#: Seconds between two looks for joins whose time is over.
LOOK_S = 0.1


class PartsMissing(EventError):
    """Raised when the other parts of a join have not come in time."""

    status = 504


class EventJoin(Gathering):
    """Puts the events that belong together into one.

    Parts belong together that have the same trace, as all has that one event became, or the same value at `key`. A join
    is complete when each actor in `of` has sent one part; or when there are `count` of them; or as many as stand at
    `count_at` in the parts themselves, where a splitter writes how many it made. The parts stand in the order of `of`,
    else by the number at `order_at`, else as they came; then the order may be another one after a restart.

    What comes out (`to`) is a list of their data, one object with the fields of all, or XML with all of them inside. It
    has the attributes of all parts, the later ones winning, and the trace of one of them.

    When `timeout_s` is over for a join, its parts fail, or what is there goes on (`on_timeout: send`). The same happens
    when no more can come, in a drain; with `at_end: keep` the parts come again from upstream instead, and the instance
    ends with status 75 after `drain_timeout_s`.

    All parts stay unacknowledged until what was made of them is finished: an instance that is killed loses none, all
    of them come again, and the whole has the same name the second time. Parts that are waited for take up the window
    of their connection: `timeout_s` should be no longer than what the slowest part needs. With several replicas the
    parts of a join have to meet in one: give all connections to it the same `key` (`trace`).

    Failures:
        PartsMissing (504): a part has not come in time; each part that is there fails.
        Conflict (409): an actor of `of` has sent a second part before the join was complete; the first one stays.
        MalformedEvent (400): the part has no key or no count, comes from an actor that is not in `of`, or its data
            cannot be put together as `to` says.
    """

    NAME: ClassVar[str] = "event-join"
    EXTRA: ClassVar[str] = "flow"

    class Params(Actor.Params, frozen=True, kw_only=True):
        to: ToParam = "list"
        root: RootParam = "parts"
        key: Annotated[Selector | None, Meta(description="what the parts have in common; none: their trace")] = None
        of: Annotated[tuple[str, ...], Meta(description="actors of which each sends one part, in this order")] = ()
        count: Annotated[int, Meta(ge=0, description="how many parts there are; 0: `of` or `count_at` tells")] = 0
        count_at: Annotated[str, Meta(description="path to how many there are, as attributes/parts")] = ""
        order_at: Annotated[str, Meta(description="path to the number by which parts are ordered")] = "attributes/part"
        timeout_s: Annotated[float, Meta(gt=0, description="longest wait, from the first part on")] = 60.0
        on_timeout: Annotated[
            Literal["error", "send"], Meta(description="whether the parts that are there fail then, or go on")
        ] = "error"
        at_end: Annotated[
            Literal["finish", "keep"], Meta(description="when no more come: as at a timeout, or they come again later")
        ] = "finish"

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        ways = [name for name in ("of", "count", "count_at") if getattr(params, name)]
        if len(ways) != 1:
            yield Problem("of", "give one of of, count and count_at: it tells when a join is complete")
        if len(set(params.of)) < len(params.of):
            yield Problem("of", "an actor stands there twice")
        yield from super().check(params)

    def setup(self) -> None:
        """Compile the key.

        Raises:
            SettingsError: a parameter is wrong.
        """
        super().setup()
        self._groups = Groups()
        self._whole = self._incomplete = 0

    def consume(self, event: Event) -> None:
        """Hold the part; send the whole, if it was the last one.

        Raises:
            Conflict: there is one of that actor.
            MalformedEvent: it belongs to no join.
        """
        key: object = event.trace_number if self.params.key is None else self.key_of(event)
        count, value = self._count(event), self.merge.read(event)
        sender = event.trail[-1] if event.trail else ""
        if self.params.of and sender not in self.params.of:
            raise MalformedEvent(f'the part comes from "{sender}", which is not in `of`')
        group = self._groups.of(key, self.clock())
        if self.params.of and any(part.sender == sender for part in group.parts):
            raise Conflict(f'"{sender}" has sent a second part of a join that is not complete')
        group.parts.append(Part(self.hold(event), event, value))
        if len(group.parts) >= count:
            self._whole += 1
            self._send(self._groups.take(key))

    def _count(self, event: Event) -> int:
        if not self.params.count_at:
            return self.params.count or len(self.params.of)
        count = event.lookup(self.params.count_at)
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise MalformedEvent(f"at {self.params.count_at} is no number of parts (count_at)")
        return count

    def _send(self, group: Group) -> None:
        if self.params.of:
            group.parts.sort(key=lambda part: self.params.of.index(part.sender))
        else:
            group.parts.sort(key=self._place)
        group.finish(self.merge)

    def _place(self, part: Part) -> float:
        number: Any = part.event.lookup(self.params.order_at) if self.params.order_at else None
        return number if isinstance(number, int | float) else float("inf")

    @every(LOOK_S)
    def look(self) -> None:
        """End the joins whose time is over."""
        for group in self._groups.take_older(self.clock() - self.params.timeout_s):
            self._end(group, f"have not come within {self.params.timeout_s:g} s (timeout_s)")

    def end_input(self) -> None:
        """No other part will come."""
        if self.params.at_end == "finish":
            for group in self._groups.take_all():
                self._end(group, "will not come any more")

    def _end(self, group: Group, why: str) -> None:
        self._incomplete += 1
        if self.params.on_timeout == "send":
            self._send(group)
            return
        there = {part.sender for part in group.parts}
        missing = [name for name in self.params.of if name not in there]
        parts = f"the parts of {', '.join(missing)}" if missing else "the other parts"
        group.fail(PartsMissing(f"{parts} {why}; there are {len(group.parts)}"))

    def figures(self) -> Iterable[Figure]:
        """Parts that wait, and joins that ended."""
        yield Figure("actorkit_join_parts", "Parts that wait for others.", self._groups.held)
        for outcome, count in (("whole", self._whole), ("incomplete", self._incomplete)):
            yield Figure("actorkit_joins", "Joins that ended, by outcome.", count, "outcome", outcome)
