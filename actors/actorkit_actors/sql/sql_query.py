"""Rows that a statement finds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

import sqlalchemy
from msgspec import Meta
from sqlalchemy.engine import Connection

from actorkit import Actor, Event, JSONEvent, NotFound
from actorkit.errors import SettingsError, UnprocessableEvent
from actorkit.params import Problem
from actorkit_actors.sql.database import (
    Database,
    PasswordParam,
    TimeoutParam,
    URLParam,
    as_json,
    read_url,
    url_problems,
    values_of,
)


class SQLQuery(Actor):
    """Asks PostgreSQL or SQLite, and goes on with the rows as JSON.

    The statement is the author's; `:name` in it stands for a value, and `values` says where that is in the event:
    `{customer: data/customer}`. Values are bound, and never become a part of the statement. A value whose type
    PostgreSQL cannot guess gets one there: `cast(:id as integer)`; a colon that begins no name is written `\\:`. With
    `rows: all` the new data is a list of objects by the names of the columns, with `rows: one` the first row alone.
    Dates and UUIDs become texts, bytes become base64. The transaction is read-only: what writes is refused.

    psycopg waits in gevent's loop, so `concurrency` is how many queries are under way; SQLite works in a native thread
    of its own, one after the other.

    Failures:
        ConversionError (400): a value is in data that cannot be had as JSON.
        NotFound (404): `rows: one`, and there is none.
        UnprocessableEvent (422): a value does not fit the statement, or more than `max_rows` were found.
        ServiceUnavailable (503): the database is not there, or took longer than `timeout_s`; `retries` may help.
        WrongStatement (500): the database does not understand the statement, or it writes.
    """

    NAME: ClassVar[str] = "sql-query"
    EXTRA: ClassVar[str] = "sql"
    SETTLES: ClassVar[str] = "nothing: it only reads"
    REPEATS: ClassVar[str] = "yes"

    class Params(Actor.Params, frozen=True, kw_only=True):
        url: URLParam
        password: PasswordParam = ""
        statement: Annotated[str, Meta(min_length=1, description="the question, with :name for each value")]
        values: Annotated[dict[str, str], Meta(description="name in the statement → path in the event")] = {}
        rows: Annotated[Literal["all", "one"], Meta(description="whether the data is the list, or the first row")] = (
            "all"
        )
        max_rows: Annotated[int, Meta(ge=1, description="most rows of one answer")] = 1_000
        timeout_s: TimeoutParam = 30.0

    params: Params
    #: None until `setup` has opened it.
    _database: Database | None = None

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """A URL of no known database; a value that is missing or too much."""
        yield from url_problems(params.url)
        wanted = _names_in(params.statement)
        for name in sorted(wanted - set(params.values)):
            yield Problem("values", f"the statement has :{name}, and values does not say where that is")
        for name in sorted(set(params.values) - wanted):
            yield Problem("values", f"{name} is nowhere in the statement")

    def setup(self) -> None:
        """Open a pool; connections are made when they are needed."""
        given = self.params
        url = read_url(given.url, given.password)
        self._database = Database(url, connections=given.concurrency, timeout_s=given.timeout_s, read_only=True)
        self._statement = sqlalchemy.text(given.statement)

    def teardown(self) -> None:
        """Close the connections."""
        if self._database is not None:
            self._database.close()

    def consume(self, event: Event) -> JSONEvent:
        """Ask with the event's values."""
        if self._database is None:
            raise SettingsError("sql-query is not set up")
        values = values_of(event, self.params.values)
        rows = self._database.run(lambda connection: self._ask(connection, values))
        if self.params.rows == "one":
            if not rows:
                raise NotFound("the statement finds no row")
            return event.become(JSONEvent, rows[0])
        if len(rows) > self.params.max_rows:
            raise UnprocessableEvent(f"the statement finds more than {self.params.max_rows} rows (max_rows)")
        return event.become(JSONEvent, rows)

    def _ask(self, connection: Connection, values: dict[str, Any]) -> list[Any]:
        result = connection.execute(self._statement, values)
        if not result.returns_rows:
            return []
        found = result.mappings().fetchmany(1 if self.params.rows == "one" else self.params.max_rows + 1)
        result.close()
        return [{name: as_json(value) for name, value in row.items()} for row in found]


def _names_in(statement: str) -> set[str]:
    """The names of values in a statement."""
    return set(sqlalchemy.text(statement)._bindparams)
