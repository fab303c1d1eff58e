"""The fields of a request's query, each within its bounds."""

from __future__ import annotations

from collections.abc import Mapping

from actorkit.observe.admin import BadRequest


def number_of(query: Mapping[str, str], name: str, default: float, most: float, *, zero: bool = False) -> float:
    """A number of the query; `zero`: it may be 0.

    Raises:
        BadRequest: it is none, or out of bounds.
    """
    text = query.get(name, "")
    try:
        number = float(text) if text else default
    except ValueError:
        number = -1.0
    if not (0 < number <= most or (zero and number == 0)):
        raise BadRequest(f"{name}={text} is not between 0 and {most:g}")
    return number


def check_names(query: Mapping[str, str], *known: str) -> None:
    """See that the query has only these fields.

    Raises:
        BadRequest: there is another one.
    """
    for name in query:
        if name not in known:
            raise BadRequest(f"there is no {name}=; there are {', '.join(known)}")
