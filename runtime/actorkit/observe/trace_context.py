"""W3C Trace Context (level 1): how a trace of ours is called outside, and how the outside calls its own.

A trace of ours has 64 bits; outside it is the number with zeros before it. An event that came by HTTP with
`traceparent` belongs to that trace outside: the header travels with the event, so edges carry no further byte for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

#: The header field: version, trace, the caller's span, flags (W3C Trace Context §3.2).
HEADER: Final = "traceparent"
_FORM: Final = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z")


class TraceParent(NamedTuple):
    """The trace as 32 hexadecimal digits, the span as 16; "" for a trace that begins here."""

    trace: str
    span: str = ""


class _Exported:
    """Which traces this process tells a collector of: those whose number is below `end`."""

    def __init__(self) -> None:
        self.end = 0


_exported = _Exported()


def export_below(end: int) -> None:
    """Have calls of others carry on the traces below a number, of which a collector is told."""
    _exported.end = end


def read(headers: Mapping[str, str] | None, trace: int) -> TraceParent:
    """What a trace of ours is called outside, and the span that it began with there."""
    found = _FORM.match(headers.get(HEADER, "")) if headers else None
    return TraceParent(found[2], found[3]) if found else TraceParent(f"{trace:032x}")


def onward(headers: Mapping[str, str], trace: int, span: int) -> str:
    """The header field for a call that an event makes: it came with these header fields. A trace that nobody is told of
    keeps the caller's span, else its spans would have no parent. "" for no field."""
    given = headers.get(HEADER, "")
    if trace >= _exported.end:
        return given if _FORM.match(given) else ""
    return f"00-{read(headers, trace).trace}-{span:016x}-01"
