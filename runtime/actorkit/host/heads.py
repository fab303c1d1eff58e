"""The head of an event for people: everything but its body, without header fields that hold credentials."""

from __future__ import annotations

from typing import Any, Final

from actorkit.errors import ConversionError
from actorkit.event import Event
from actorkit.event.context import Context, decode_context
from actorkit.event.parcel import Parcel
from actorkit.observe import redact

#: A longer context is not read for a head, in bytes.
MAX_CONTEXT_BYTES: Final = 64 << 10


def head_of(parcel: Parcel, *, attributes: bool = False) -> dict[str, Any]:
    """Name, way, size and HTTP side of an event as JSON has them; with its `attributes` where those are asked for, as
    they may hold what the body holds."""
    head: dict[str, Any] = {
        "id": f"{parcel.id:016x}",
        "trace": f"{parcel.trace or parcel.id:016x}",
        "trail": parcel.trail.split("/") if parcel.trail else [],
        "format": parcel.format,
        "bytes": len(parcel.body),
    }
    if parcel.redelivered:
        head["redelivered"] = True
    context = context_of(parcel)
    if context is None:
        return {**head, "context_bytes": len(parcel.context)}
    if context.service:
        head["service"] = context.service
    if context.http is not None:
        http = context.http
        # The path, not the query: as in an access log, only what is no credential.
        head["http"] = {"method": http.method, "path": redact.text(http.path), "headers": redact.tree(http.headers)}
    if context.failure is not None:
        head["failure"] = {"kind": context.failure.kind, "message": context.failure.message}
    if attributes and context.attributes:
        head["attributes"] = redact.tree(context.attributes)
    return head


def head_of_event(event: Event) -> dict[str, Any]:
    """The head of an event as it came."""
    return head_of(event.origin if event.origin is not None else event.parcel())


def context_of(parcel: Parcel) -> Context | None:
    """What travels beside the body; None where it is too long, or cannot be read."""
    if len(parcel.context) > MAX_CONTEXT_BYTES:
        return None
    try:
        return decode_context(parcel.context)
    except ConversionError:
        return None
