"""sql-out, with PostgreSQL and SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actorkit import Event, JSONEvent, Position, params
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.sql.sql_out import SQLOut
from tests.actors.sql.postgres import Ask, Server

TABLE = "create table if not exists orders (event_key text primary key, item text, total real not null, parts text)"
COLUMNS = {"item": "data/item", "total": "data/total", "parts": "data/parts"}


def sql_out(url: str, **given: Any) -> Harness[SQLOut]:
    return Harness(SQLOut, url=url, **{"table": "orders", "columns": COLUMNS, "prepare": TABLE, **given})


def test_events_become_rows_and_are_passed_on(database: tuple[str, Ask]) -> None:
    url, ask = database
    with sql_out(url) as out:
        out.put(JSONEvent({"item": "tea", "total": 12.5, "parts": [1, {"a": None}]}), JSONEvent({"total": 3}))
        assert [event.failure for event in out.errors] == []
        passed = out.taken()
        assert [event.data["total"] for event in passed] == [12.5, 3]
    rows = ask("select event_key, item, total, parts from orders order by total desc")
    assert rows == [(passed[0].key, "tea", 12.5, '[1,{"a":null}]'), (passed[1].key, None, 3.0, None)]


def test_an_event_that_comes_again_is_written_once(database: tuple[str, Ask]) -> None:
    url, ask = database
    event = JSONEvent({"item": "tea", "total": 1})
    for _ in range(2):  # another replica has another connection
        with sql_out(url) as out:
            out.put(event)
            out.put(event, event)
            assert len(out.taken()) == 3
            assert out.errors == []
    assert ask("select event_key from orders") == [(event.key,)]


def test_what_the_database_refuses_fails_alone(database: tuple[str, Ask]) -> None:
    url, ask = database
    with sql_out(url) as out:
        out.put(JSONEvent({"total": 1}), JSONEvent({"item": "no total"}), JSONEvent({"total": 3}), Event("}{"))
        failed = out.errors
        assert {event.failure.status for event in failed if event.failure} <= {400, 422}
        assert len(failed) == 2
        assert [event.data["total"] for event in out.taken()] == [1, 3]
        assert sorted(ask("select total from orders")) == [(1.0,), (3.0,)]
        out.put(JSONEvent({"total": 4}))
        assert out.errors == []


@pytest.mark.parametrize("value", [2**70, "no number", "a\0b", "\ud800"])
def test_values_that_fit_no_column_end_nothing(database: tuple[str, Ask], value: Any) -> None:
    url, ask = database
    table = (
        "create table if not exists orders (event_key text primary key, item text, total integer check (total < 10))"
    )
    with sql_out(url, columns={"item": "data/item", "total": "data/total"}, prepare=table) as out:
        column = "item" if isinstance(value, str) and value != "no number" else "total"
        event = JSONEvent({"item": "tea", "total": 1, column: value}) if value != "\ud800" else JSONEvent({"total": 99})
        out.put(event, JSONEvent({"total": 2}))
        assert {failed.failure.status for failed in out.errors if failed.failure} <= {422}
        assert (2,) in ask("select total from orders")


def test_a_row_that_another_index_has_is_a_conflict(database: tuple[str, Ask]) -> None:
    url, _ = database
    table = "create table if not exists orders (event_key text primary key, item text unique)"
    with sql_out(url, columns={"item": "data"}, prepare=table) as out:
        out.put(Event("tea"))
        out.put(Event("tea"))
        [failed] = out.errors
        assert failed.failure is not None
        assert failed.failure.status == 409
        assert len(out.taken()) == 1


def test_what_an_event_says_never_becomes_sql(database: tuple[str, Ask]) -> None:
    url, ask = database
    evil = "x'); drop table orders; --"
    with sql_out(url, columns={"item": "data/item", "total": "data/total"}) as out:
        out.put(JSONEvent({"item": evil, "total": 1}), JSONEvent({"item": "%(v0)s :v0 ?", "total": 2}))
        assert out.errors == []
    assert ask("select item from orders order by total") == [(evil,), ("%(v0)s :v0 ?",)]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"table": "nowhere"}, "nowhere"),
        ({"columns": {"colour": "data/colour"}}, "colour"),
        ({"key": "item", "columns": {"total": "data/total"}}, "unique index on item"),
        ({"columns": {'total") values (1); drop table orders; --': "data"}}, "drop table"),
    ],
)
def test_a_table_that_does_not_fit_is_found_at_the_start(
    database: tuple[str, Ask], given: dict[str, Any], says: str
) -> None:
    url, ask = database
    with pytest.raises(SettingsError, match="rows cannot be written into") as raised:
        sql_out(url, **given)
    assert says in str(raised.value)
    assert ask("select count(*) from orders") == [(0,)]


def test_columns_of_other_types_and_schemas(server: Server) -> None:
    table = """create schema shop; create table shop.orders (event_key uuid primary key, at timestamptz,
        sum numeric(9, 2), paid boolean, parts jsonb, id bigint)"""
    columns = {name: f"data/{name}" for name in ("at", "sum", "paid", "parts", "id")}
    data = {"at": "2026-03-01T10:00:00+02:00", "sum": "12.30", "paid": True, "parts": {"a": [1]}, "id": 2**60}
    try:
        with sql_out(server.url, table="shop.orders", columns=columns, prepare=table) as out:
            out.put(JSONEvent(data))
            assert [failed.failure for failed in out.errors] == []
            out.put(JSONEvent({**data, "at": "soon"}), JSONEvent({**data, "at": None}))
            assert [failed.failure.status for failed in out.errors if failed.failure] == [422]
        found = "select at at time zone 'utc' = '2026-03-01 08:00', sum::text, paid, parts, id from shop.orders"
        assert (True, "12.30", True, {"a": [1]}, 2**60) in server.ask(found)
    finally:
        server.ask("drop schema shop cascade")


def test_a_server_that_was_gone_is_asked_again(server: Server) -> None:
    event = JSONEvent({"total": 5})
    try:
        with sql_out(server.url) as out:
            server.control("stop", "-m", "immediate")
            try:
                out.put(event)
                [failed] = out.errors
                assert failed.failure is not None
                assert failed.failure.status == 503
                assert "secret-word" not in failed.failure.message
            finally:
                server.control("start")
            out.put(event)
            assert out.errors == []
        assert server.ask("select event_key from orders") == [(event.key,)]
    finally:
        server.ask("drop table orders")


def test_a_statement_that_waits_too_long_fails(database: tuple[str, Ask], server: Server, tmp_path: Path) -> None:
    url, ask = database
    with sql_out(url, timeout_s=0.2) as out:
        if url.startswith("sqlite"):
            lock: Any = sqlite3.connect(tmp_path / "orders.sqlite", isolation_level=None)
            lock.execute("begin immediate")
        else:
            lock = server.connect()
            lock.execute("lock table orders")
        with closing(lock):
            out.put(JSONEvent({"total": 1}))
            assert [failed.failure.status for failed in out.errors if failed.failure] == [503]
        out.put(JSONEvent({"total": 2}))
        assert out.errors == []
    assert ask("select total from orders") == [(2.0,)]


def test_a_named_event_has_its_key_in_the_table(database: tuple[str, Ask]) -> None:
    url, ask = database
    with sql_out(url) as out:
        out.put(JSONEvent({"total": 1}, position=Position("orders", 7)))
        [passed] = out.taken()
    assert ask("select event_key from orders") == [(passed.key,)]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"url": "mysql://localhost/x"}, "url"),
        ({"url": "postgresql+psycopg2://u:secret@h/x"}, "url"),
        ({"url": "nothing secret"}, "url"),
        ({"key": "item"}, "columns"),
    ],
)
def test_wrong_parameters_are_found_before_anything_starts(given: dict[str, Any], path: str) -> None:
    whole = {"url": "sqlite://", "table": "orders", "columns": COLUMNS, **given}
    [problem] = SQLOut.check(params.build(SQLOut.Params, whole))
    assert problem.path == path
    assert "secret" not in problem.message
