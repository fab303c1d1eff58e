"""A test run: the cast of a group of tests, as it plays one test after the other."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from actorkit_kit.errors import KitError
from actorkit_kit.free_ports import LOOPBACK
from actorkit_kit.local.processes import Local, Process, socket_folder
from actorkit_kit.plan.model import Unit
from actorkit_kit.testing.cast import SENDER, Group, make_cast, on_the_way_of
from actorkit_kit.testing.company import Company
from actorkit_kit.testing.contents import MEDIA_TYPES, content_of
from actorkit_kit.testing.evidence import Evidence, complaints
from actorkit_kit.testing.messages import Answer, Begin, Look, Send, Sighting, Start
from actorkit_kit.testing.stage_process import StageProcess
from actorkit_kit.testing.wiring import Wiring
from actorkit_kit.topology.case import Case, Put, Reply

#: Longest time between two looks at what came, in seconds.
LOOK_S: Final = 0.2
#: So long a test that is fulfilled waits for the end of what else is under way, in seconds.
LEFT_S: Final = 0.5
#: So long a victim is stopped before it is killed, in seconds.
STOPPED_S: Final = 0.1
#: Longest wait until all instances have found each other, in seconds.
READY_S: Final = 30.0


class BeyondDepth(KitError):
    """Raised when a test needs more of the graph than there is at a depth."""


class Run:
    """Starts the cast of some tests; `perform` plays one. At the depth `actor` one process plays all actors without
    sockets, at `graph` with them; at `chaos` each instance is a process.

    Raises:
        KitError: it does not start.
    """

    def __init__(self, wiring: Wiring, group: Group, cases: Sequence[Case], depth: str) -> None:
        self._wiring = wiring
        self.plan = wiring.plan
        self.group = group
        self.depth = depth
        #: Whether something of a test may still be under way, so that no other test can come after it.
        self.is_spoilt = False
        self._cast = make_cast(wiring, group, cases, has_broker=depth != "actor")
        self._stack = ExitStack()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"<Run of {self.plan.topology} at depth {self.depth}>"

    def _start(self) -> None:
        cast = self._cast
        local = Local(cast.plan, self._stack.enter_context(socket_folder(cast.plan)))
        apart = [unit for unit in cast.plan.units if self._is_apart(unit)]
        hosts = {unit.name: local.process(unit, 1) for unit in cast.plan.units if unit not in apart}
        processes = [local.process(unit, number) for unit in apart for number in self._numbers(unit)]
        if self.depth == "actor":
            hosts, processes = {unit.name: local.process(unit, 1) for unit in cast.plan.units}, []
        self._urls = {one.unit.name: _address(one) for one in (*hosts.values(), *processes) if one.unit.listens}
        self._stage = StageProcess(
            Start(
                {name: process.environ for name, process in hosts.items() if process.unit.kind == "actor"},
                dict(cast.stand_ins),
                {name: str(box) for name, box in cast.recorders.items()},
                carries=self.depth == "actor",
                beyond={unit.name: why for unit in cast.plan.units if (why := _beyond_an_actor(unit))},
            )
        )
        self._stack.callback(self._stage.close)
        self._company = Company(processes)
        self._stack.callback(self._company.close)
        self._company.wait_ready()
        self._stage.wait_ready()
        self._wait_ready()

    def _is_apart(self, unit: Unit) -> bool:
        """Whether a unit has processes of its own: a server beside the graph has, and what cannot share one."""
        if unit.kind != "actor":
            return True
        if unit.name in self._cast.stand_ins or unit.name in self._cast.recorders or unit.name.startswith("kit-"):
            return False
        first = next((other.image.build for other in self._cast.plan.units if other.image.build is not None), None)
        return self.depth == "chaos" or bool(unit.environment_extra) or unit.image.build not in (None, first)

    def _numbers(self, unit: Unit) -> range:
        return range(1, (unit.replicas if self.depth == "chaos" else 1) + 1)

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        while (seen := self._stage.ask(Look(-1, 0.0))).unready:
            if seen.ended or time.monotonic() > deadline:
                raise KitError(f"the topology does not get ready: {'; '.join(seen.ended) or seen.unready}")
            time.sleep(0.01)

    @property
    def lines(self) -> list[str]:
        """What the actors wrote last."""
        return [*self._stage.lines, *self._company.lines]

    def victims(self, case: Case) -> list[str]:
        """The actors that are killed while a test is played, once for each; at other depths it is played once, and
        nobody is. They are those that its events come to, but for servers that it asks, and sources."""
        if self.depth != "chaos":
            return [""]
        asked = {put.server for put in case.puts}
        on_the_way = on_the_way_of(self.plan, case) - asked
        apart = [unit for unit in self._cast.plan.units if unit.kind == "actor" and self._is_apart(unit)]
        found = [unit.name for unit in apart if unit.name in on_the_way and (unit.serves or not unit.begins)]
        return found or [""]

    def perform(self, case: Case, victim: str = "") -> Evidence:
        """Play a test; what came of it. All instances of a `victim` are killed while the events are under way: they are
        stopped first, so that what comes to them is.

        Raises:
            BeyondDepth: it needs more than there is at this depth.
            KitError: the actors have ended.
        """
        if self.depth == "actor" and (case.requests or not case.puts):
            what = "it asks a server over HTTP" if case.requests else "it waits for what sources make"
            raise BeyondDepth(f"{what}: --depth graph")
        answers = {name: _answers(replies) for name, replies in case.fakes.items()}
        for service, replies in case.services.items():
            answers |= dict.fromkeys(self._cast.answerers[service], _answers(replies))
        self._stage.lines.clear()
        self._stage.ask(Begin(answers, keep=not self.group.is_put))
        evidence = Evidence()
        deadline = time.monotonic() + case.timeout_s
        self.is_spoilt = True
        with self._company.killing(victim, STOPPED_S):
            for number, put in enumerate(case.puts):
                self._put(f"{case.name} {number} {victim}", put, evidence, case.timeout_s)
            self._wait(case, evidence, deadline)
        return evidence

    def _put(self, key: str, put: Put, evidence: Evidence, timeout_s: float) -> None:
        format_, content = content_of(put.data)
        if put.server:
            for _ in range(put.times):
                evidence.answers.append(self._request(put, format_, content, timeout_s))
            return
        sender, outbox = SENDER, self._cast.doors.get(put.to, "") if put.to is not None else ""
        if put.origin is not None:
            sender, outbox = put.origin.actor, put.origin.box or ""
        self._stage.ask(
            Send(
                sender,
                outbox,
                key,
                format_,
                content,
                dict(put.attributes),
                put.service,
                put.http,
                dict(put.headers),
                put.times,
            )
        )

    def _request(self, put: Put, format_: str, content: bytes, timeout_s: float) -> Sighting:
        """Ask a server over HTTP.

        Raises:
            KitError: it does not answer.
        """
        method, target = put.http or ("POST", "/")
        sent = {"Content-Type": MEDIA_TYPES[format_]} if format_ in MEDIA_TYPES and content else {}
        connection = http.client.HTTPConnection(self._urls[put.server], timeout=timeout_s)
        try:
            connection.request(method, target, body=content or None, headers={**sent, **put.headers})
            answer = connection.getresponse()
            read = answer.read()
        except (OSError, http.client.HTTPException) as exc:
            raise KitError(f"{put.server} does not answer {method} {target}: {exc or type(exc).__name__}") from exc
        finally:
            connection.close()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Sighting("", _format_of(headers.get("content-type", "")), read, {}, answer.status, None, headers)

    def _wait(self, case: Case, evidence: Evidence, deadline: float) -> None:
        """Wait until no more can come, or all that is expected has come and the time is up for the rest."""
        known, fulfilled_at = -1, 0.0
        while True:
            now = time.monotonic()
            seen = self._stage.ask(Look(known, min(LOOK_S, max(0.0, deadline - now))))
            if seen.beyond:
                raise BeyondDepth(f"{seen.beyond}: --depth graph")
            if seen.ended:
                raise KitError(f"an actor has ended: {'; '.join(seen.ended)}")
            known = len(seen.sightings) + len(seen.failures)
            evidence.sightings, evidence.failures = seen.sightings, seen.failures
            if self.group.is_put and not seen.unfinished and not seen.busy and not self._company.is_busy():
                evidence.is_over, self.is_spoilt = True, False
                return
            now = time.monotonic()
            if complaints(self._wiring, case, evidence):
                fulfilled_at = 0.0
            elif not self.group.is_put:
                self.is_spoilt = False
                return
            elif not fulfilled_at:
                fulfilled_at = now
            elif now - fulfilled_at > LEFT_S:
                return
            if now > deadline:
                return

    def close(self) -> None:
        """End everything."""
        self._stack.close()


def _answers(replies: Sequence[Reply]) -> tuple[Answer, ...]:
    return tuple(_answer(reply) for reply in replies)


def _answer(reply: Reply) -> Answer:
    format_, content = content_of(reply.data) if reply.data is not None else ("", b"")
    return Answer(format_, content, dict(reply.attributes), reply.outbox, reply.fails, reply.message)


def _address(process: Process) -> str:
    """Where an instance listens on this machine, whether that is published or not."""
    params = json.loads(process.environ.get("ACTORKIT_PARAMS", "{}"))
    port = next((params[name] for name in process.unit.listens if name in params), 0)
    return f"{LOOPBACK}:{port}"


def _beyond_an_actor(unit: Unit) -> str:
    """Why an actor cannot be alone, "" where it can."""
    if unit.uses_broker:
        return f'"{unit.name}" asks a broker'
    return ""


def _format_of(media_type: str) -> str:
    main = media_type.partition(";")[0].strip()
    known = {"application/json": "j", "text/xml": "x", "application/xml": "x"}
    return known.get(main) or ("j" if main.endswith("+json") else "x" if main.endswith("+xml") else "t")
