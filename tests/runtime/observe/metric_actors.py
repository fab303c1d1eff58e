"""Actors and events whose metrics the tests read."""

from __future__ import annotations

from typing import Any

from actorkit import Actor, Event
from actorkit.event.ids import new_id
from actorkit.event.parcel import Parcel
from actorkit.host.host import Host
from actorkit.host.metrics import HostCollector
from tests.runtime.directing import Asker


class Passes(Actor):
    def consume(self, event: Event) -> Event:
        return event


class Asks(Asker):
    """Hears answers only."""


def read(host: Host) -> HostCollector:
    return HostCollector(host, "1.2.3")


def parcel(id_: int | None = None, **fields: Any) -> Parcel:
    return Parcel(id_ or new_id(), 0, "b", b"body", b"", **fields)
