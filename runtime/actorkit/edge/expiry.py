"""Events that still wait for a peer, and that nobody waits for any more: they are not sent. No sockets, no clock."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Final

from actorkit.edge.outcome import Failed
from actorkit.edge.send_session import Item
from actorkit.event.context import Failure
from actorkit.event.parcel import Parcel, latest_deadline_ms

#: How often a connection looks for events that nobody waits for any more, in seconds.
SWEEP_S: Final = 1.0


def expiry_outcome(actor: str) -> Failed:
    """The outcome of an event that came to an actor, or waited there, when nobody waited for it any more."""
    return Failed.of(Failure("Expired", "nobody waits for the event any more; it was dropped", 504, actor))


def is_late(parcel: Parcel, now_ms: int) -> bool:
    """Whether everybody who waited for an event has given up."""
    latest = latest_deadline_ms(parcel.reply_to)
    return latest is not None and latest <= now_ms


def was_asked(parcel: Parcel, actor: str, keys: Container[bytes]) -> bool:
    """Whether one who waits at an actor under one of those keys asked for an event, or only such ones wherever they
    wait."""
    reply_to = parcel.reply_to
    if not reply_to:
        return False
    waiter = reply_to.get(actor)
    return waiter.key in keys if waiter is not None else all(one.key in keys for one in reply_to.values())


def split(items: Iterable[Item], out: Callable[[Parcel], bool]) -> tuple[list[Item], list[Item]]:
    """The items in two lists: events that stay, and events for which `out` is true."""
    stays: list[Item] = []
    goes: list[Item] = []
    for item in items:
        (goes if out(item[0]) else stays).append(item)
    return stays, goes
