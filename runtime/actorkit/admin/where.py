"""Which events a tap shows: a place in the event, and what is to be found there.

`attributes/kind=express`, `http/headers/host!=a`, `data~Berlin`, `//total=3`, `$.total=3`, or a place alone: something
is there. A place is one of `actorkit.event.selector`: an XPath begins with `/`, a JSONPath with `$`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from actorkit.event import Event
from actorkit.event.parcel import Parcel
from actorkit.event.selector import Selector, View, text_of

#: Whether texts that were found are what is wanted.
_Holds: TypeAlias = Callable[[list[str], str], bool]

#: Whether an event is meant.
Where: TypeAlias = Callable[[Parcel], bool]

#: A place, and then what is wanted there. Brackets are a selector's own, with all that stands in them.
_CONDITION: Final = re.compile(r"((?:\[[^\]]*\]|[^=!~\[\]])+?)(!=|=|~)(.*)\Z", re.DOTALL)

_HOLDS: Final[dict[str, _Holds]] = {
    "=": lambda found, wanted: wanted in found,
    "!=": lambda found, wanted: wanted not in found,
    "~": lambda found, wanted: any(wanted in one for one in found),
}


def read_where(text: str) -> Where:
    """The condition that a text says.

    Raises:
        SettingsError: it says none, or what it takes is not in this image.
    """
    read = _CONDITION.match(text)
    place, sign, wanted = read.groups() if read else (text, "", "")
    place = place.strip()
    find = _selector(place).compile()
    holds = _HOLDS.get(sign, _is_there)

    def where(parcel: Parcel) -> bool:
        event: Event = Event.received(parcel)
        return holds([text_of(value) for value in find(View(event))], wanted.strip())

    return where


def _selector(place: str) -> Selector:
    if place.startswith("/"):
        return Selector(xpath=place)
    return Selector(jsonpath=place) if place.startswith("$") else Selector(at=place)


def _is_there(found: list[str], _wanted: str) -> bool:
    return bool(found)
