"""CSV (RFC 4180), to JSON and back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from actorkit import Actor, Event, JSONEvent
from actorkit.errors import MalformedEvent
from actorkit.event import body
from actorkit.params import Problem

#: What spreadsheets take for the beginning of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class CSV(Actor):
    """Makes a list of JSON of a table as CSV (`to: json`), or CSV of such a list (`to: csv`).

    With `header` the first line has the names of the columns, and each other line becomes an object; without, each line
    becomes a list, or an object where `columns` names them. Every value that is read is a text. `columns` also chooses
    and orders those that are written; without it they are those of the first object. What is written is quoted where it
    has to be, and lines end in CR LF. With `formulas: false` a text that a spreadsheet would run gets an apostrophe.

    Failures:
        MalformedEvent (400): a line has more or fewer values than there are columns; the data is no list of objects, or
            of lists; there are too many rows; the text is not UTF-8.
    """

    NAME: ClassVar[str] = "csv"
    EXTRA: ClassVar[str] = "xml"

    class Params(Actor.Params, frozen=True, kw_only=True):
        to: Annotated[Literal["json", "csv"], Meta(description="what the new data is")] = "json"
        header: Annotated[bool, Meta(description="whether the first line has the names of the columns")] = True
        columns: Annotated[tuple[str, ...], Meta(description="names of the columns; empty: those of the data")] = ()
        delimiter: Annotated[str, Meta(min_length=1, max_length=1, description="character between two values")] = ","
        formulas: Annotated[bool, Meta(description="write texts that begin like a formula as they are")] = True
        max_rows: Annotated[int, Meta(ge=1, description="rows of one table")] = 100_000

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """A delimiter that is none."""
        if params.delimiter in '"\r\n':
            yield Problem("delimiter", "this character has another meaning in CSV")

    def consume(self, event: Event) -> Event:
        """Make the one of the other."""
        if self.params.to == "json":
            return event.become(JSONEvent, self._read(*event.encoded()))
        return event.become(Event, self._write(event.convert(JSONEvent).data))

    def _read(self, format_: str, content: bytes) -> list[Any]:
        if format_ not in (body.TEXT, body.BYTES, body.NOTHING):
            raise MalformedEvent("the data is no text, so it is no CSV")
        try:
            text = io.StringIO(content.decode("utf-8-sig"), newline="")
        except UnicodeDecodeError as exc:
            raise MalformedEvent(f"the CSV is not UTF-8: {exc.reason} at byte {exc.start}") from exc
        reader = csv.reader(text, delimiter=self.params.delimiter, strict=True)
        try:
            names = next(reader, []) if self.params.header else list(self.params.columns)
            rows = [(reader.line_num, row) for row in islice(reader, self.params.max_rows + 1) if row]
        except csv.Error as exc:
            raise MalformedEvent(f"line {reader.line_num} is no CSV: {exc}") from exc
        if len(rows) > self.params.max_rows:
            raise MalformedEvent(f"the table has more than {self.params.max_rows} rows (max_rows)")
        if len(set(names)) < len(names):
            raise MalformedEvent("two columns of the table have one name")
        if not names:
            return [row for _, row in rows]
        for line, row in rows:
            if len(row) != len(names):
                raise MalformedEvent(f"line {line} has {len(row)} values for {len(names)} columns")
        wanted = self.params.columns or names
        return [{name: value for name, value in zip(names, row, strict=True) if name in wanted} for _, row in rows]

    def _write(self, data: Any) -> str:
        rows = data if isinstance(data, list) else [data]
        if len(rows) > self.params.max_rows:
            raise MalformedEvent(f"the table has more than {self.params.max_rows} rows (max_rows)")
        names = list(self.params.columns) or (list(rows[0]) if rows and isinstance(rows[0], dict) else [])
        written = io.StringIO(newline="")
        writer = csv.writer(written, delimiter=self.params.delimiter)
        if self.params.header and names:
            writer.writerow([self._text(name) for name in names])
        for number, row in enumerate(rows):
            if isinstance(row, dict):
                if not self.params.columns and (more := set(row) - set(names)):
                    raise MalformedEvent(f"row {number} has the column {min(more)!r:.60}, which the first one has not")
                writer.writerow([self._text(row.get(name)) for name in names])
            elif isinstance(row, list):
                writer.writerow([self._text(value) for value in row])
            else:
                raise MalformedEvent(f"row {number} is neither an object nor a list")
        return written.getvalue()

    def _text(self, value: Any) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            return msgspec.json.encode(value).decode()
        return f"'{value}" if not self.params.formulas and value.startswith(_FORMULA) else value
