"""What stands around a consume where the parameters ask for it: native threads, a time limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any, cast

import gevent
from gevent.threadpool import ThreadPool

from actorkit.edge.replies import is_answer
from actorkit.edge.wire import Delivery
from actorkit.errors import ConsumeTimeout
from actorkit.event import Event
from actorkit.event.body import UNREAD
from actorkit.event.parcel import Parcel
from actorkit.host.outboxes import Outboxes
from actorkit.host.progress import ConsumeContext, current, outgoing

#: Takes an event, or a batch of them.
Handle = Callable[[Any], object]


class Expired(Exception):
    """Raised in place of a consume that nobody waits for any more."""


def for_who_waits(
    handle: Handle, wanted: type[Event], actor: str, answered: Handle | None, is_late: Callable[[Parcel, int], bool]
) -> Handle:
    """`handle` for events that somebody may wait for: it raises Expired where nobody does any more. Answers to this
    actor go to `answered` instead, whenever they come, as what they are; those that are late are counted there."""

    checked = wanted.FORMAT is not None

    def while_awaited(event: Event) -> object:
        parcel = event.origin
        if parcel is not None and parcel.reply_to and is_late(parcel, int(monotonic() * 1000)):
            raise Expired
        if checked:
            event.ensure()
        return handle(event)

    if answered is None:
        return while_awaited

    def call(event: Event) -> object:
        parcel = cast(Delivery, event.origin)
        if handle is answered or is_answer(parcel, actor):
            return answered(event if type(event) is Event else Event(UNREAD, origin=parcel))
        return while_awaited(event)

    return call


def in_threads(handle: Handle, outboxes: Outboxes, threads: int) -> Handle:
    """`handle` moved to native threads. What it sends is sent by the loop afterwards: only that may touch sockets."""
    pool = ThreadPool(threads)

    def call(what: Any, context: ConsumeContext) -> tuple[object, list[tuple[Event, str | None]]]:
        current.set(context)
        sent: list[tuple[Event, str | None]] = []
        outgoing.set(sent)
        # A generator runs here, not in the loop; what is no event is complained about there.
        return _whole(handle(what)), sent

    def apply(what: Any) -> object:
        context = current.get().snapshot()
        result, sent = pool.apply(call, (what, context))
        for one, outbox in sent:
            parent = context.parent_of(one)
            if parent is not None:
                outboxes.emit(one, outboxes.targets(outbox), parent)
        return result

    return apply


def in_time(handle: Handle, timeout_s: float) -> Handle:
    """`handle` that raises ConsumeTimeout where it waits when the time is over. Several events that it gives are made
    in that time as well."""

    def call(what: Any) -> object:
        timeout = gevent.Timeout.start_new(timeout_s)
        try:
            return _whole(handle(what))
        except gevent.Timeout as exc:
            if exc is not timeout:
                raise
            raise ConsumeTimeout(f"consume took longer than {timeout_s:g} s (consume_timeout_s)") from None
        finally:
            timeout.close()

    return call


def _whole(result: object) -> object:
    """What consume gave back, with a generator run to its end."""
    return list(result) if isinstance(result, Iterator) else result
