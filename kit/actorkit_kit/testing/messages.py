"""What a test run and its stage say to each other: a line of JSON each."""

from __future__ import annotations

from typing import Any

import msgspec


class Start(msgspec.Struct, frozen=True, tag="start"):
    """The first message. `hosts` are the environments of the instances that the stage plays, by the unit's name.

    `stand_ins`: unit → the outboxes that its class declares; `recorders`: unit → the outbox that it records, as
    `actor.outbox`. `carries`: the stage carries the events from actor to actor itself; else sockets do. `edges` says
    where: `actor.outbox` → actors with their inboxes.
    """

    hosts: dict[str, dict[str, str]]
    stand_ins: dict[str, tuple[str, ...]]
    recorders: dict[str, str]
    carries: bool = False
    #: Units that only a whole graph has, and why: `place` asks a broker.
    beyond: dict[str, str] = {}


class Answer(msgspec.Struct, frozen=True):
    """What a stand-in answers: a body in a format, or with `fails`, a failure of that status; else nothing."""

    format: str = ""
    content: bytes = b""
    attributes: dict[str, Any] = {}
    outbox: str = ""
    fails: int = 0
    message: str = ""


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """A test begins: what came so far is forgotten, unless it is to be kept. `answers`: stand-in → what it answers."""

    answers: dict[str, tuple[Answer, ...]]
    keep: bool = False


class Send(msgspec.Struct, frozen=True, tag="send"):
    """Have a stand-in send an event so many times, into an outbox ("": into all that are not declared)."""

    sender: str
    outbox: str
    key: str
    format: str
    content: bytes
    attributes: dict[str, Any] = {}
    service: str = ""
    http: tuple[str, str] | None = None
    headers: dict[str, str] = {}
    times: int = 1


class Look(msgspec.Struct, frozen=True, tag="look"):
    """Ask what came, once it is more than `known` things, all is finished, or `wait_s` seconds are over."""

    known: int
    wait_s: float


class Failed(msgspec.Struct, frozen=True):
    """Why an event failed."""

    actor: str
    kind: str
    message: str
    status: int


class Sighting(msgspec.Struct, frozen=True):
    """An event that was recorded at a box, or an answer over HTTP (`box` is "" then)."""

    box: str
    format: str
    content: bytes
    attributes: dict[str, Any] = {}
    status: int = 0
    failure: Failed | None = None
    headers: dict[str, str] = {}


class Seen(msgspec.Struct, frozen=True):
    """What the stage has seen. `failures` are those of events that were sent, `unfinished` counts such events that are
    not finished. `busy`: whether anything is under way in the stage. `ended`: instances that ended, and why.

    `unready`: why it is not ready yet. `beyond`: why the test cannot be run at this depth.
    """

    sightings: list[Sighting] = []
    failures: list[Failed] = []
    unfinished: int = 0
    busy: bool = False
    ended: list[str] = []
    unready: str = ""
    beyond: str = ""


Message = Start | Begin | Send | Look
