"""A database, as an instance has it: connections, transactions, and what its errors mean to an event.

PostgreSQL is asked by psycopg, which waits in gevent's loop. SQLite waits and computes in C: all its work is done by
one native thread, which has the connection, so that a lock on the file holds back nobody else.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Final, TypeVar, cast

import msgspec
import sqlalchemy
from gevent.threadpool import ThreadPool
from msgspec import Meta
from sqlalchemy import exc, pool
from sqlalchemy.engine import URL, Connection, make_url

from actorkit import Conflict, Event, JSONEvent, UnprocessableEvent
from actorkit.errors import ActorkitError, EventError, MalformedEvent, ServiceUnavailable, SettingsError
from actorkit.params import Problem

T = TypeVar("T")

#: Parameters that the actors of a database share.
URLParam = Annotated[
    str, Meta(description="the database: postgresql://user@host/name, sqlite:///file", extra={"secret": True})
]
PasswordParam = Annotated[str, Meta(description="password, unless the URL has it", extra={"secret": True})]
TimeoutParam = Annotated[float, Meta(gt=0, description="longest time for one statement")]

#: What a URL begins with → the dialect and the driver that it means.
DRIVERS: Final = {
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
}

#: What a driver raises of a value that no column takes.
_NO_VALUE: Final = (OverflowError, ValueError, TypeError)
#: What SQLite says of no such table, and of a write where only reading is allowed; for its driver that is operational.
_SQLITE_WRONG: Final = ("SQLITE_ERROR", "SQLITE_READONLY")
#: What comes of a statement that cannot be done.
REFUSALS: Final = (exc.SQLAlchemyError, *_NO_VALUE)


class WrongStatement(EventError):
    """Raised when the database does not understand what it is asked: the topology is wrong, or the tables are."""


def read_url(url: str, password: str = "") -> URL:
    """A URL with the driver that is used for it.

    Raises:
        SettingsError: it is none, or not one of PostgreSQL or SQLite.
    """
    try:
        read = make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        # The URL may have a password in it.
        raise SettingsError(
            "the URL of the database cannot be read: postgresql://user@host/name, sqlite:///file"
        ) from error
    if read.drivername not in DRIVERS:
        raise SettingsError(f"databases are {' and '.join(sorted(DRIVERS))}; the URL begins with {read.drivername}")
    read = read.set(drivername=DRIVERS[read.drivername])
    return read.set(password=password) if password else read


def url_problems(url: str) -> Iterable[Problem]:
    """What is wrong with a URL, as a finding."""
    try:
        read_url(url)
    except SettingsError as error:
        yield Problem("url", str(error))


class Database:
    """A pool of connections. `timeout_s` is the longest time for one statement, or for SQLite's lock."""

    def __init__(self, url: URL, *, connections: int, timeout_s: float, read_only: bool = False) -> None:
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self._read_only = read_only
        self._thread = ThreadPool(1) if self.is_sqlite else None
        if self.is_sqlite:
            self._engine = sqlalchemy.create_engine(
                url, poolclass=pool.StaticPool, connect_args={"timeout": timeout_s}, hide_parameters=True
            )
        else:
            options = f"-c statement_timeout={int(timeout_s * 1000)}"
            self._engine = sqlalchemy.create_engine(
                url,
                pool_size=connections,
                max_overflow=0,
                pool_timeout=timeout_s,
                pool_pre_ping=True,
                connect_args={"connect_timeout": max(2, int(timeout_s)), "options": options},
                hide_parameters=True,
            )

    def run(self, work: Callable[[Connection], T]) -> T:
        """Have work done in one transaction; it is committed when that returns.

        Raises:
            ActorkitError: the database said no; its class says whether the same may be right later.
        """
        return self._in_thread(lambda: self._run(work))

    def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.connect() as connection:
                if self._read_only:
                    connection = connection.execution_options(postgresql_readonly=True)
                with connection.begin():
                    if self._read_only and self.is_sqlite:
                        connection.exec_driver_sql("pragma query_only = on")
                    return work(connection)
        except REFUSALS as error:
            raise meaning_of(error) from error

    def _in_thread(self, work: Callable[[], T]) -> T:
        if self._thread is None:
            return work()

        # What a thread of gevent raises is written to standard error as well.
        def outcome() -> tuple[T | None, Exception | None]:
            try:
                return work(), None
            except Exception as error:  # noqa: BLE001  # it is raised below
                return None, error

        done, failed = self._thread.apply(outcome)
        if failed is not None:
            raise failed
        return cast(T, done)

    def close(self) -> None:
        """Close all connections."""
        self._in_thread(self._engine.dispose)
        if self._thread is not None:
            self._thread.kill()


def is_data_error(error: BaseException) -> bool:
    """Whether other rows may be taken where this was refused."""
    return not isinstance(error, ServiceUnavailable)


def meaning_of(error: Exception) -> ActorkitError:
    """The error of actorkit that a database's is. The message never has values of rows, nor a password."""
    if isinstance(error, exc.DBAPIError):
        said = str(error.orig).partition("\n")[0][:300]
        if error.connection_invalidated or isinstance(error, exc.OperationalError | exc.InterfaceError):
            if getattr(error.orig, "sqlite_errorname", "") in _SQLITE_WRONG:
                return WrongStatement(f"the database does not understand it: {said}")
            return ServiceUnavailable(f"the database cannot be asked: {said}")
        if isinstance(error, exc.IntegrityError):
            state = getattr(error.orig, "sqlstate", "") or getattr(error.orig, "sqlite_errorname", "")
            if state in ("23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"):
                return Conflict(f"the database has such a row: {said}")
            return UnprocessableEvent(f"the database refuses the row: {said}")
        if isinstance(error, exc.DataError):
            return UnprocessableEvent(f"the database refuses a value: {said}")
        return WrongStatement(f"the database does not understand it: {said}")
    if isinstance(error, exc.TimeoutError):
        return ServiceUnavailable(
            "no connection to the database was free in time; raise connections or lower concurrency"
        )
    if isinstance(error, _NO_VALUE):
        return UnprocessableEvent(f"a value fits into no column: {type(error).__name__}")
    return WrongStatement(f"the database cannot be asked so: {type(error).__name__}")


def values_of(event: Event, paths: Mapping[str, str]) -> dict[str, Any]:
    """What paths lead to, ready for a database: objects and lists become JSON, what is missing NULL.

    Raises:
        MalformedEvent: a path leads into data that cannot be had as JSON, or to something that is no data.
    """
    # Read once for all columns, and not at all where none wants it.
    parsed = event.convert(JSONEvent) if any(path.startswith("data/") for path in paths.values()) else event
    return {name: event.text() if path == "data" else _plain(name, parsed.lookup(path)) for name, path in paths.items()}


def _plain(name: str, value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError) as error:
        raise MalformedEvent(f"what {name} is given is no data, but {type(value).__name__}") from error


def as_json(value: Any) -> Any:
    """A value of a column as JSON has it; what JSON does not know is a text."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    return msgspec.to_builtins(value, enc_hook=str, str_keys=True)
