"""A stage that carries events from actor to actor itself: each actor is alone with what it gets, without a socket.

An actor is made when the first event of a test comes to it, and torn down at the end of the test.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final

from actorkit import settings
from actorkit.actor import Actor
from actorkit.edge.peers import Peers
from actorkit.event import Event
from actorkit.event.ids import derive_id
from actorkit.event.position import Namer
from actorkit.graph import RESERVED
from actorkit.process.actor import load
from actorkit.settings import Settings
from actorkit.testing import Harness
from actorkit_kit.testing.messages import Begin, Failed, Look, Seen, Send, Sighting, Start
from actorkit_kit.testing.players import StandIn, event_of, failed_of, sighting_of, stand_in

#: Most events that one test may come to: a loop without an end is seen by it.
MOST_EVENTS: Final = 100_000


class Carried:
    """Plays the instances that the start names, one after the other."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._settings = {name: _settings(environ) for name, environ in start.hosts.items()}
        self._answers: Mapping[str, tuple[Any, ...]] = {}
        self._actors: dict[str, Harness[Any]] = {}
        #: Events on their way, with the actors to which they come.
        self._under_way: deque[tuple[str, Event]] = deque()
        self._arrivals: list[Sighting] = []
        self._failures: list[Failed] = []
        self._carried = 0
        self._beyond = ""

    def __repr__(self) -> str:
        return f"<Carried: {len(self._actors)} of {len(self._settings)} actors, {self._carried} events>"

    def begin(self, begin: Begin) -> None:
        """Begin a test, with new actors."""
        self.close()
        self._answers = begin.answers
        self._arrivals, self._failures = [], []
        self._carried, self._beyond = 0, ""
        self._under_way.clear()

    def send(self, send: Send) -> None:
        """Have events sent, and carried to where they end."""
        namer = Namer(self._settings[send.sender].topology, send.sender)
        outboxes = [send.outbox] if send.outbox else list(self._default_outboxes(send.sender))
        for number in range(send.times):
            event = event_of(send, number)
            id_, trace = namer.name(event.position)  # type: ignore[arg-type]  # it has one
            parcel = event.parcel()
            parcel.id, parcel.trace = id_, trace
            for outbox in outboxes:
                self._leave(send.sender, outbox, Event.received(parcel))
        self._carry()
        while not self._beyond and self._let_go():
            self._carry()

    def _default_outboxes(self, name: str) -> Iterator[str]:
        declared = self._start.stand_ins[name]
        return (box for box in self._settings[name].outboxes if box not in RESERVED and box not in declared)

    def _carry(self, home: str = "") -> Event | None:
        """Carry everything to its end, or to the first event that comes `home`, which is given back."""
        while self._under_way and not self._beyond:
            name, event = self._under_way.popleft()
            if name == home:
                return event
            self._carried += 1
            if self._carried > MOST_EVENTS:
                self._beyond = f"more than {MOST_EVENTS} events came of it; does a loop end only with the time?"
            elif name in self._start.recorders:
                self._arrivals.append(sighting_of(self._start.recorders[name], event))
            elif name in self._start.beyond:
                self._beyond = self._start.beyond[name]
            else:
                actor = self._actor(name)
                actor.put(event)
                self._take(name, actor)
        return None

    def _take(self, name: str, actor: Harness[Any]) -> None:
        """Take what an actor has sent on its way."""
        for outbox in list(actor.outboxes):
            for event in actor.taken(outbox):
                self._leave(name, outbox, event)

    def _leave(self, name: str, outbox: str, event: Event) -> None:
        """An event leaves an outbox; a copy goes to each actor behind it."""
        peers = self._settings[name].outboxes.get(outbox, ())
        if outbox == "error" and event.failure is not None:
            self._failures.append(failed_of(event.failure))
        for number, one in enumerate(peers):
            parcel = event.parcel()
            if event.origin is not None and event.trail:  # The first one has a name of its own.
                parcel.id = derive_id(parcel.id, self._carried, number)
            parcel.trail = f"{parcel.trail}/{name}" if parcel.trail else name
            self._under_way.append((_actor_of(one, outbox), Event.received(parcel)))

    def _let_go(self) -> bool:
        """Have the first actor that holds events let go of them, as at an end; whether there is one."""
        for name, actor in self._actors.items():
            if actor.held:
                actor.end_input()
                self._take(name, actor)
                if not actor.held or self._under_way:
                    return True
        return False

    def _actor(self, name: str) -> Harness[Any]:
        if name not in self._actors:
            known = self._settings[name]
            outboxes = tuple(known.outboxes)
            cls: type[Actor] = load(known.class_path)
            if name in self._start.stand_ins:
                cls = stand_in(self._start.stand_ins[name])
            actor = Harness(
                cls,
                name=name,
                outboxes=outboxes,
                answer=lambda event, outbox: self._answer(name, event, outbox),
                **known.params,
            )
            if isinstance(actor.actor, StandIn):
                actor.actor.play(self._answers.get(name, ()))
            self._actors[name] = actor
        return self._actors[name]

    def _answer(self, name: str, event: Event, outbox: str | None) -> Event | None:
        """What comes back to an actor that asks, as it waits for it."""
        actor, before = self._actors[name], self._under_way
        self._under_way = deque()
        for box in [box for box in actor.outboxes if box not in RESERVED] if outbox is None else [outbox]:
            if actor.taken(box):  # What it asked has been put there as well.
                self._leave(name, box, event)
        answer = self._carry(home=name)
        self._under_way = deque([*self._under_way, *before])
        return answer

    def look(self, look: Look) -> Seen:  # noqa: ARG002  # all that could come has come
        """What came."""
        return Seen(self._arrivals, self._failures, beyond=self._beyond)

    def close(self) -> None:
        """Tear the actors down."""
        actors, self._actors = self._actors, {}
        for actor in actors.values():
            actor.close()


def _settings(environ: Mapping[str, str]) -> Settings:
    return settings.read({name: value for name, value in environ.items() if name.startswith("ACTORKIT_")})


def _actor_of(peers: Peers, outbox: str) -> str:
    """The actor behind a connection; one that has the outbox's name is not named."""
    return peers.actor or outbox
