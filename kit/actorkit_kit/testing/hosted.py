"""A stage whose instances talk over sockets, as processes would: a host each, in one process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import gevent
import zmq

from actorkit import settings
from actorkit.event import Event
from actorkit.event.context import Failure
from actorkit.host.host import Host
from actorkit.process.actor import load
from actorkit_kit.testing.messages import Begin, Failed, Look, Seen, Send, Sighting, Start
from actorkit_kit.testing.players import Recorder, StandIn, event_of, failed_of, sighting_of, stand_in

#: Time between two looks at whether something is new, in seconds.
LOOK_S: Final = 0.005


class Hosted:
    """Runs the hosts that the start names.

    Raises:
        SettingsError: one has wrong parameters. What an actor's `setup` raises comes through.
    """

    def __init__(self, start: Start) -> None:
        self._arrivals: list[Sighting] = []
        self._failures: list[Failed] = []
        self._unfinished = 0
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
        self._hosts = {name: self._host(start, name, environ, context) for name, environ in start.hosts.items()}
        for host in self._hosts.values():
            host.start()

    def __repr__(self) -> str:
        return f"<Hosted: {len(self._hosts)} hosts, {len(self._arrivals)} sightings, {self._unfinished} unfinished>"

    def _host(
        self, start: Start, name: str, environ: Mapping[str, str], context: zmq.Context[zmq.Socket[bytes]]
    ) -> Host:
        known = settings.read({key: value for key, value in environ.items() if key.startswith("ACTORKIT_")})
        if name in start.stand_ins:
            host = Host(known, stand_in(start.stand_ins[name]), context)
            host.actor.told = self._settle  # type: ignore[attr-defined]  # it is a stand-in
        elif name in start.recorders:
            box = start.recorders[name]
            host = Host(known, Recorder, context)
            host.actor.told = lambda event: self._record(box, event)  # type: ignore[attr-defined]  # it is a recorder
        else:
            host = Host(known, load(known.class_path), context)
        return host

    def _settle(self, failure: Failure | None) -> None:
        self._unfinished -= 1
        if failure is not None:
            self._failures.append(failed_of(failure))

    def _record(self, box: str, event: Event) -> None:
        self._arrivals.append(sighting_of(box, event))

    def begin(self, begin: Begin) -> None:
        """Begin a test."""
        if not begin.keep:
            self._arrivals.clear()
        self._failures.clear()
        for name, host in self._hosts.items():
            if isinstance(host.actor, StandIn):
                host.actor.play(begin.answers.get(name, ()))

    def send(self, send: Send) -> None:
        """Have events sent."""
        actor = self._hosts[send.sender].actor
        for number in range(send.times):
            self._unfinished += 1
            actor.send(event_of(send, number), send.outbox or None)

    def look(self, look: Look) -> Seen:
        """What came."""
        deadline = time.monotonic() + look.wait_s
        while len(self._arrivals) + len(self._failures) <= look.known and time.monotonic() < deadline:
            if not self._unfinished and not self._is_busy():
                break
            gevent.sleep(LOOK_S)
        ended = {name: host.crashed for name, host in self._hosts.items() if host.crashed is not None}
        unready = [f"{name}: {why}" for name, host in self._hosts.items() if (why := host.why_not_ready())]
        return Seen(
            list(self._arrivals),
            list(self._failures),
            self._unfinished,
            self._is_busy(),
            [f"{name}: {type(error).__name__}: {error}" for name, error in ended.items()],
            "; ".join(unready),
        )

    def _is_busy(self) -> bool:
        return not all(host.idle for host in self._hosts.values())

    def close(self) -> None:
        """Tear the actors down; nothing is waited for."""
        for host in self._hosts.values():
            host.close()
