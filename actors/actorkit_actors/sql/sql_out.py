"""Rows of a table, written by the event's key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

import sqlalchemy
from msgspec import Meta
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from actorkit import Actor, BatchFailed, Event
from actorkit.errors import ActorkitError, SettingsError
from actorkit.params import Problem
from actorkit_actors.sql.database import (
    REFUSALS,
    Database,
    PasswordParam,
    TimeoutParam,
    URLParam,
    is_data_error,
    meaning_of,
    read_url,
    url_problems,
    values_of,
)


class SQLOut(Actor):
    """Writes each event as a row of a table in PostgreSQL or SQLite, once, however often it comes.

    `columns` says which part of the event goes into which column: `{total: data/total, kind: attributes/kind}`; `data`
    alone is everything as text. Texts and numbers are given as they are, and the database makes of a text what the
    column is (a date, a number, a UUID); objects and lists are given as JSON, for columns that are json, jsonb or text;
    what is missing is NULL. The event's key goes into the column `key`, which needs a unique index: a key that is there
    is not written again (`on conflict do nothing`). Values are always bound, and never become a part of a statement.
    The events that wait are written in one transaction, up to `batch_size`; when the database refuses one, the others
    are written without it. What is written is passed on.

    psycopg waits in gevent's loop; SQLite works in a native thread of its own.

    Failures:
        ConversionError (400): a path leads into the data, which cannot be had as JSON.
        Conflict (409): another unique index has the row.
        UnprocessableEvent (422): a value does not fit its column, or the row breaks a rule of the table.
        ServiceUnavailable (503): the database is not there, or took longer than `timeout_s`; `retries` may help.
        WrongStatement (500): the table or a column is gone.
    """

    NAME: ClassVar[str] = "sql-out"
    EXTRA: ClassVar[str] = "sql"
    SETTLES: ClassVar[str] = "when the transaction of its row is committed"
    REPEATS: ClassVar[str] = "by key"

    class Params(Actor.BatchParams, frozen=True, kw_only=True):
        url: URLParam
        password: PasswordParam = ""
        table: Annotated[str, Meta(min_length=1, description="the table; schema.table where it is in another schema")]
        columns: Annotated[
            dict[str, str], Meta(min_length=1, description="column → path in the event, such as data/total")
        ]
        key: Annotated[str, Meta(min_length=1, description="column of the event's key, with a unique index")] = (
            "event_key"
        )
        prepare: Annotated[
            str, Meta(description="statement that runs at the start, such as create table if not exists …")
        ] = ""
        timeout_s: TimeoutParam = 30.0

    params: Params
    #: None until `setup` has opened it.
    _database: Database | None = None

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """A URL of no known database; a column that is written twice."""
        yield from url_problems(params.url)
        if params.key in params.columns:
            yield Problem("columns", f"{params.key} is the column of the event's key; name another one in key")

    def setup(self) -> None:
        """Connect, and try the statement without rows.

        Raises:
            SettingsError: there is no such table or column, or the key has no unique index.
            ServiceUnavailable: the database is not there.
        """
        given = self.params
        url = read_url(given.url, given.password)
        self._database = Database(url, connections=given.concurrency, timeout_s=given.timeout_s)
        schema, _, name = given.table.rpartition(".")
        names = [given.key, *given.columns]
        table = sqlalchemy.table(name, *map(sqlalchemy.column, names), schema=schema or None)
        insert: Any = sqlite.insert if self._database.is_sqlite else postgresql.insert
        bound: dict[str, Any] = {column: sqlalchemy.bindparam(f"v{number}") for number, column in enumerate(names)}
        self._insert = insert(table).values(bound).on_conflict_do_nothing(index_elements=[given.key])
        self._names = {column: f"v{number}" for number, column in enumerate(names)}
        nothing = sqlalchemy.select(*[sqlalchemy.null() for _ in names]).where(sqlalchemy.false())
        tried = insert(table).from_select(names, nothing).on_conflict_do_nothing(index_elements=[given.key])
        try:
            self._try_out(self._database, tried)
        except BaseException:
            self._database.close()
            raise

    def _try_out(self, database: Database, tried: Any) -> None:
        given = self.params
        if given.prepare:
            database.run(lambda connection: connection.exec_driver_sql(given.prepare).close())
        try:
            database.run(lambda connection: connection.execute(tried))
        except ActorkitError as error:
            if not is_data_error(error):
                raise
            raise SettingsError(
                f"rows cannot be written into {given.table}: {error}; it needs the columns "
                f"{', '.join(self._names)} and a unique index on {given.key}"
            ) from error

    def teardown(self) -> None:
        """Close the connections."""
        if self._database is not None:
            self._database.close()

    def consume_batch(self, events: list[Event]) -> list[Event]:
        """Write them in one transaction, and without those that the database refuses.

        Raises:
            BatchFailed: some are refused; the others are written.
            ServiceUnavailable: the database cannot be asked; none is written.
        """
        database = self._database
        if database is None:
            raise SettingsError("sql-out is not set up")
        rows: dict[Event, dict[str, Any]] = {}
        refused: dict[Event, BaseException] = {}
        for event in events:
            try:
                rows[event] = self._row(event)
            except ActorkitError as error:
                refused[event] = error
        if rows:
            try:
                database.run(lambda connection: connection.execute(self._insert, list(rows.values())))
            except ActorkitError as error:
                if not is_data_error(error):
                    raise
                refused |= database.run(lambda connection: self._write_singly(connection, rows))
        if not refused:
            return events
        for event in rows:
            if event not in refused:
                self.send(event)
        raise BatchFailed(refused)

    def _row(self, event: Event) -> dict[str, Any]:
        values = {self.params.key: event.key, **values_of(event, self.params.columns)}
        return {self._names[column]: value for column, value in values.items()}

    def _write_singly(self, connection: Connection, rows: dict[Event, dict[str, Any]]) -> dict[Event, BaseException]:
        """Write each row behind a savepoint; the events whose rows are refused."""
        refused: dict[Event, BaseException] = {}
        for event, row in rows.items():
            try:
                with connection.begin_nested():
                    connection.execute(self._insert, row)
            except REFUSALS as error:
                meaning = meaning_of(error)
                if not is_data_error(meaning):
                    raise
                refused[event] = meaning
        return refused
