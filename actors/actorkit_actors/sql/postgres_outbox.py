"""Events that a transaction wrote beside its other rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

import gevent
import gevent.event
import psycopg
from msgspec import Meta
from psycopg import sql

from actorkit import Actor, Event, JSONEvent, Position
from actorkit.errors import SettingsError
from actorkit.event.position import Settlement
from actorkit.params import Problem
from actorkit_actors.sql.database import PasswordParam, as_json, read_url, url_problems

#: How long the actor waits before it looks whether it is to stop, in seconds.
_SLICE_S: Final = 0.25
#: What each session asks of the server: a transaction is open while its events are under way, and the locks of a
#: machine that is gone do not stay.
_OPTIONS: Final = "-c idle_in_transaction_session_timeout=0 -c tcp_keepalives_idle=20 -c tcp_keepalives_interval=5"


class Taken:
    """The rows that one transaction has locked: `ids` of those that are not settled, by their text."""

    def __init__(self, connection: psycopg.Connection[Any], ids: dict[str, Any]) -> None:
        self.connection = connection
        self.ids = ids


class PostgresOutbox(Actor):
    """Sends each row of an outbox table in PostgreSQL, and deletes it when everything that it became is finished.

    A program writes what it has to tell into the table, in the transaction of what it is about: so neither is there
    without the other. Rows are taken with `for update skip locked`, `batch_size` in a transaction that stays open
    until all of them are settled, so any number of replicas share a table, and what a killed one had is taken by
    another at once. With `channel` the actor listens there, and `notify` in the program's transaction (or a trigger)
    has it look at once; without, it looks every `poll_interval_s`.

    The data is the whole row as JSON, or the column `data`: json and jsonb as JSON, text as text, bytea as bytes. A
    row's id must never be given anew, as an identity column or a UUID does: it is the event's name, and `event.key`
    follows from it. A row whose event has failed is a dead letter or in an error outbox by then, and settled as well.
    With `done_column` rows are not deleted: that column, a timestamptz that is null before, gets the time, and
    `failure_column` the message of what failed. Rows leave in the order of their ids, but those of several replicas,
    or of transactions that are committed late, among each other.

    psycopg waits in gevent's loop. When the server goes away, the instance ends with status 1 and begins anew.
    """

    NAME: ClassVar[str] = "postgres-outbox"
    EXTRA: ClassVar[str] = "sql"
    SETTLES: ClassVar[str] = "a row is deleted, or marked, when its event is finished or failed, with its batch"
    REPEATS: ClassVar[str] = "by key"

    class Params(Actor.Params, frozen=True, kw_only=True):
        url: Annotated[str, Meta(description="the database: postgresql://user@host/name", extra={"secret": True})]
        password: PasswordParam = ""
        table: Annotated[str, Meta(min_length=1, description="the table; schema.table where it is in another schema")]
        id: Annotated[str, Meta(min_length=1, description="column of the row's id: its primary key")] = "id"
        data: Annotated[str, Meta(description="column of the data; empty: the whole row as JSON")] = ""
        attributes: Annotated[dict[str, str], Meta(description="attribute of the event → column")] = {}
        channel: Annotated[str, Meta(description="channel of notify that tells of new rows; empty: none")] = ""
        poll_interval_s: Annotated[float, Meta(gt=0, description="longest time between two looks at the table")] = 5.0
        batch_size: Annotated[int, Meta(ge=1, le=10_000, description="most rows of one transaction")] = 100
        transactions: Annotated[
            int, Meta(ge=1, le=100, description="transactions under way at a time, each with a connection")
        ] = 4
        prepare: Annotated[
            str, Meta(description="statement that runs at the start, such as create table if not exists …")
        ] = ""
        done_column: Annotated[str, Meta(description="column that gets the time instead of a delete")] = ""
        failure_column: Annotated[str, Meta(description="column that gets the message of a failure")] = ""

    params: Params
    #: The connection that listens; None before `setup`, and without a channel.
    _listening: psycopg.Connection[Any] | None = None

    def __init__(self, name: str, params: Params, runtime: Any) -> None:
        super().__init__(name, params, runtime)
        self._idle: list[psycopg.Connection[Any]] = []
        self.taken: dict[str, Taken] = {}
        self._pending: deque[Event] = deque()
        self._freed = gevent.event.Event()

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """A URL of another database; a failure without a place."""
        yield from url_problems(params.url)
        if params.url.startswith("sqlite"):
            yield Problem("url", "only PostgreSQL has what this actor needs: listen, and skip locked")
        if params.failure_column and not params.done_column:
            yield Problem("failure_column", "a deleted row has no failure; name done_column as well")

    def setup(self) -> None:
        """Connect, listen, and try whether there is such a table.

        Raises:
            SettingsError: the table does not fit.
            psycopg.OperationalError: the server is not there.
        """
        self._write_statements()
        if self.params.channel:
            self._listening = self._connect(autocommit=True)
            self._listening.execute(sql.SQL("listen {}").format(sql.Identifier(self.params.channel)))
        connection = self._connect()
        try:
            if self.params.prepare:
                connection.execute(self.params.prepare.encode())
                connection.commit()
            connection.execute(self._select, (0,))
            connection.execute(self._settle, {"ids": [], "failures": []})
            connection.rollback()
        except psycopg.ProgrammingError as error:
            connection.close()
            said = str(error).partition("\n")[0]
            raise SettingsError(f"{self.params.table} is no outbox table for these parameters: {said}") from error
        self._idle.append(connection)

    def _connect(self, autocommit: bool = False) -> psycopg.Connection[Any]:
        url = read_url(self.params.url, self.params.password)
        named: dict[str, Any] = {"host": url.host, "port": url.port, "user": url.username, "password": url.password}
        named |= {"dbname": url.database, "connect_timeout": 10, "application_name": f"actorkit {self.name}"}
        return psycopg.connect(autocommit=autocommit, options=_OPTIONS, **{**named, **url.query})

    def _write_statements(self) -> None:
        """Write the two statements; names of columns are quoted."""
        given = self.params
        name = sql.Identifier(*given.table.split(".", 1))
        row_id = sql.Identifier(given.id)
        data = sql.SQL("t.{}").format(sql.Identifier(given.data)) if given.data else sql.SQL("to_jsonb(t)")
        more = [sql.SQL("t.{}").format(sql.Identifier(column)) for column in given.attributes.values()]
        done = sql.Identifier(given.done_column) if given.done_column else None
        self._select = sql.SQL("select {} from {} t {} order by t.{} limit %s for update of t skip locked").format(
            sql.SQL(", ").join([sql.SQL("t.{}").format(row_id), data, *more]),
            name,
            sql.SQL("where t.{} is null").format(done) if done else sql.SQL(""),
            row_id,
        )
        if done is None:
            self._settle = sql.SQL("delete from {} where {} = any(%(ids)s)").format(name, row_id)
            return
        marks = sql.SQL("{} = now()").format(done)
        if given.failure_column:
            failure = sql.SQL("{} = (%(failures)s::text[])[array_position(%(ids)s, {})]")
            marks = sql.SQL(", ").join([marks, failure.format(sql.Identifier(given.failure_column), row_id)])
        self._settle = sql.SQL("update {} set {} where {} = any(%(ids)s)").format(name, marks, row_id)

    def produce(self) -> Iterator[Event]:
        """The rows, as events with their ids as positions."""
        while not self.runtime.draining:
            if self._pending:
                yield self._pending.popleft()
            elif len({id(taken) for taken in self.taken.values()}) >= self.params.transactions:
                self._freed.clear()
                self._freed.wait(_SLICE_S)
            elif not self._take():
                self._wait()

    def _take(self) -> bool:
        """Lock the next rows; whether there are any."""
        connection = self._idle.pop() if self._idle else self._connect()
        rows = connection.execute(self._select, (self.params.batch_size,)).fetchall()
        if not rows:
            connection.rollback()
            self._idle.append(connection)
            return False
        taken = Taken(connection, {str(row[0]): row[0] for row in rows})
        self.taken |= dict.fromkeys(taken.ids, taken)
        self._pending.extend(self._event(*row) for row in rows)
        return True

    def _event(self, row_id: Any, data: Any, *more: Any) -> Event:
        # Ids become visible out of order, and several replicas share them: as texts they have none.
        position = Position(self.params.table, str(row_id))
        plain = isinstance(data, str | bytes)
        event = Event(data, position=position) if plain else JSONEvent(as_json(data), position=position)
        for name, value in zip(self.params.attributes, more, strict=True):
            event.set(name, as_json(value))
        return event

    def _wait(self) -> None:
        """Wait until there may be rows."""
        left_s = self.params.poll_interval_s
        while left_s > 0 and not self.runtime.draining:
            if self._listening is None:
                gevent.sleep(min(left_s, _SLICE_S))
            elif list(self._listening.notifies(timeout=min(left_s, _SLICE_S), stop_after=1)):
                return
            left_s -= _SLICE_S

    def settle(self, settlements: Sequence[Settlement], floors: Mapping[str, int]) -> None:  # noqa: ARG002
        """Delete or mark rows in the transactions that have them, and commit those that have no others."""
        parts: dict[int, tuple[Taken, list[Settlement]]] = {}
        for settlement in settlements:
            taken = self.taken[str(settlement.position.at)]
            parts.setdefault(id(taken), (taken, []))[1].append(settlement)
        for taken, told in parts.values():
            ids = [taken.ids[str(one.position.at)] for one in told]
            failures = [one.failure.message if one.failure else None for one in told]
            failures = [said.replace("\0", "") if said else None for said in failures]
            taken.connection.execute(self._settle, {"ids": ids, "failures": failures})
            if len(ids) == len(taken.ids):
                taken.connection.commit()
            for one in told:
                del taken.ids[str(one.position.at)], self.taken[str(one.position.at)]
            if not taken.ids:
                self._idle.append(taken.connection)
                self._freed.set()

    def teardown(self) -> None:
        """Commit what is settled, and give back what is not."""
        for taken in {id(one): one for one in self.taken.values()}.values():
            taken.connection.commit()
            taken.connection.close()
        for connection in (*self._idle, *([self._listening] if self._listening is not None else ())):
            connection.close()
