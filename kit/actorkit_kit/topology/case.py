"""Tests of a topology, as an author wrote them down, checked: `kit test` runs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from actorkit.graph import Box
from actorkit_kit.topology.location import Location

#: Longest time that a test takes that says nothing else, in seconds.
TIMEOUT_S: Final = 10.0

#: Where an expectation looks: at what leaves a box, what arrives there, what the put itself comes to.
Side = Literal["from", "at", "put"]


@dataclass(frozen=True)
class Data:
    """The data of an event: a value, or a file with it. `format` is the letter of the format, "" where it follows from
    the value, or from the file's ending."""

    value: Any = None
    file: Path | None = None
    format: str = ""


@dataclass(frozen=True)
class Put:
    """Events that a test begins with. With a `server` they are requests to it, over HTTP; else they come to the inbox
    `to`, or from the outbox `origin`."""

    to: Box | None = None
    origin: Box | None = None
    server: str = ""
    http: tuple[str, str] | None = None
    data: Data = field(default_factory=Data)
    headers: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    service: str = ""
    times: int = 1


@dataclass(frozen=True)
class Reply:
    """What a stand-in answers: an event, or with `fails`, a status, a failure. None of both: nothing."""

    data: Data | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    outbox: str = ""
    fails: int = 0
    message: str = ""


@dataclass(frozen=True)
class Expectation:
    """What has to come: events at a box that all conditions hold for, `least` of them at least, and `most` at most
    (None: any number). `location` is where it stands."""

    side: Side
    box: Box | None
    location: Location
    data: Data | None = None
    json: Mapping[str, Any] = field(default_factory=dict)
    xpath: Mapping[str, Any] = field(default_factory=dict)
    matches: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 0
    message: str = ""
    least: int = 1
    most: int | None = None


@dataclass(frozen=True)
class Case:
    """One test. `fakes`: actor → what stands in for it answers, in turn; `services`: the same by service. `depth` is
    the least at which it can be run."""

    name: str
    location: Location
    puts: tuple[Put, ...] = ()
    fakes: Mapping[str, tuple[Reply, ...]] = field(default_factory=dict)
    services: Mapping[str, tuple[Reply, ...]] = field(default_factory=dict)
    expectations: tuple[Expectation, ...] = ()
    depth: str = "actor"
    timeout_s: float = TIMEOUT_S

    @property
    def requests(self) -> bool:
        """Whether it asks a server over HTTP."""
        return any(put.server for put in self.puts)
