"""Texts of lines, and JSON Lines."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from actorkit import Actor, Event, JSONEvent
from actorkit.errors import ConversionError, MalformedEvent
from actorkit.event import body


class Lines(Actor):
    """Takes a text apart into its lines (`to: events`, `to: list`), or makes one of a list (`to: text`).

    `events` sends an event for each line, with its number (0, 1, …) as the attribute `line`; `list` makes the lines the
    new data. Lines end in LF or CR LF; empty ones are left out. With `json` each line is a JSON value (JSON Lines), and
    is written as one.

    Failures:
        MalformedEvent (400): there are too many lines; a line is no JSON; what is to be written has line breaks in it,
            or is no list; the text is not UTF-8.
    """

    NAME: ClassVar[str] = "lines"
    EXTRA: ClassVar[str] = "xml"

    class Params(Actor.Params, frozen=True, kw_only=True):
        to: Annotated[Literal["events", "list", "text"], Meta(description="what becomes of the data")] = "events"
        json: Annotated[bool, Meta(description="whether each line is a JSON value")] = False
        max_lines: Annotated[int, Meta(ge=1, description="lines of one text")] = 100_000

    params: Params

    def consume(self, event: Event) -> Event | list[Event]:
        """Take the text apart, or make one."""
        if self.params.to == "text":
            return event.become(Event, self._write(event.convert(JSONEvent).data))
        values = self._read(*event.encoded())
        kind = JSONEvent if self.params.json else Event
        if self.params.to == "list":
            return event.become(JSONEvent, values)
        made: list[Event] = [event.become(kind, value).replace(line=number) for number, value in enumerate(values)]
        return made

    def _read(self, format_: str, content: bytes) -> list[Any]:
        if format_ not in (body.TEXT, body.BYTES, body.NOTHING):
            raise MalformedEvent("the data is no text, so it has no lines")
        if (
            content.count(b"\n") >= self.params.max_lines
            and content.rstrip(b"\n").count(b"\n") >= self.params.max_lines
        ):
            raise MalformedEvent(f"the text has more than {self.params.max_lines} lines (max_lines)")
        try:
            lines = content.decode("utf-8-sig").split("\n")
        except UnicodeDecodeError as exc:
            raise MalformedEvent(f"the text is not UTF-8: {exc.reason} at byte {exc.start}") from exc
        found = [(number, line.removesuffix("\r")) for number, line in enumerate(lines, 1)]
        if not self.params.json:
            return [line for _, line in found if line]
        values = []
        for number, line in found:
            if line.strip():
                try:
                    values.append(body.parse_json(line.encode()))
                except ConversionError as exc:
                    raise MalformedEvent(f"line {number} of the text: {exc.message}") from exc
        return values

    def _write(self, data: Any) -> str:
        if not isinstance(data, list):
            raise MalformedEvent("the data is no list, so no lines can be made of it")
        if self.params.json:
            return "".join(f"{msgspec.json.encode(one).decode()}\n" for one in data)
        lines = [one if isinstance(one, str) else msgspec.json.encode(one).decode() for one in data]
        broken = next((number for number, line in enumerate(lines) if "\n" in line or "\r" in line), None)
        if broken is not None:
            raise MalformedEvent(f"value {broken} of the list has a line break in it")
        return "".join(f"{line}\n" for line in lines)
