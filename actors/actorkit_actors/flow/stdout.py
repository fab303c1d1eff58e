"""Events for people to see."""

from __future__ import annotations

import datetime
import sys
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from actorkit import Actor, Event
from actorkit.observe import redact


class Stdout(Actor):
    """Writes each event to standard output, one write and a flush each, and passes it on."""

    NAME: ClassVar[str] = "stdout"

    class Params(Actor.Params, frozen=True, kw_only=True):
        prefix: Annotated[str, Meta(description="text before the event")] = ""
        timestamp: Annotated[bool, Meta(description="write the time (UTC, ISO 8601) before the event")] = False
        complete: Annotated[
            bool, Meta(description="write all that is known about the event as JSON, credentials left out")
        ] = False

    params: Params

    def consume(self, event: Event) -> Event:
        """Write the event."""
        text = _complete(event) if self.params.complete else event.text()
        time = (
            f"[{datetime.datetime.now(datetime.UTC).isoformat(timespec='milliseconds')}] "
            if self.params.timestamp
            else ""
        )
        _write(f"{time}{self.params.prefix}{text}\n")
        return event


def _write(text: str) -> None:
    """A terminal of another character set gets escapes instead of an exception."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def _complete(event: Event) -> str:
    http: dict[str, Any] | None = None
    if event.http is not None:
        http = {name: getattr(event.http, name) for name in event.http.__struct_fields__}
        http["headers"] = redact.headers(event.http.headers)
        http["reply_headers"] = redact.pairs(event.http.reply_headers)
    failure = None
    if event.failure is not None:
        failure = {name: getattr(event.failure, name) for name in event.failure.__struct_fields__}
    known = {
        "id": event.id,
        "trace": event.trace,
        "service": event.service,
        "attributes": event.context.attributes,
        "http": http,
        "failure": failure,
        "data": event.text(),
    }
    return msgspec.json.encode({name: value for name, value in known.items() if value}).decode()
