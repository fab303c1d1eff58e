"""What an event is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from actorkit.event.context import Context, Http
from actorkit.event.parcel import Parcel, ReplyTo
from actorkit.event.position import Place


class FirstField(msgspec.Struct, eq=False, gc=False):
    """The one argument of an event that needs no name."""

    data: Any = None


class Fields(FirstField, kw_only=True, eq=False, gc=False):
    """What an event is made of. Events are made by the million, so it is msgspec that makes them: no Python runs.

    What the constructor was given stays as it is until it is asked for; `Event` puts properties before these fields.
    """

    service: str = ""
    attributes: Mapping[str, Any] | None = None
    http: Http | None = None
    #: The parcel that this event came as, or was made from; None when it was made from nothing. For the runtime.
    origin: Parcel | None = None
    #: The event's id; 0 until it is first sent, or until somebody asks for it.
    _id: int = 0
    #: Where the outside has the event, from which its name follows; else the event's trace as a number, where it has
    #: one of its own, and 0 where that is the origin's or the event's own id. Each field takes time of every event.
    position: Place = 0
    #: Who waits for an answer; UNSET where that is as in the origin.
    _reply_to: ReplyTo | msgspec.UnsetType | None = msgspec.UNSET
    #: The format that the data was read from.
    _format: str = ""
    #: The context: built from the fields above, or read from the origin, when it is first asked for.
    _context: Context | None = None


if TYPE_CHECKING:
    # Type checkers take a property before a field for a mistake.
    class EventFields:
        origin: Parcel | None
        _id: int
        _reply_to: ReplyTo | msgspec.UnsetType | None
        _format: str
        _context: Context | None

        def __init__(
            self,
            data: Any = None,
            *,
            service: str = "",
            attributes: Mapping[str, Any] | None = None,
            http: Http | None = None,
            position: Place = None,
            origin: Parcel | None = None,
            **state: Any,
        ) -> None: ...

        def __init_subclass__(cls, *, eq: bool = True, gc: bool = True) -> None: ...

else:
    EventFields = Fields
