"""sql-query, with PostgreSQL and SQLite."""

from __future__ import annotations

import time
from typing import Any

import pytest

from actorkit import Event, JSONEvent, params
from actorkit.testing import Harness
from actorkit_actors.sql.sql_query import SQLQuery
from tests.actors.sql.postgres import Ask, Server

FIND = "select item, total from orders where item = :item order by total"


@pytest.fixture
def orders(database: tuple[str, Ask]) -> tuple[str, Ask]:
    """A database with three orders."""
    _, ask = database
    ask("create table orders (item text, total integer)")
    ask("insert into orders values ('tea', 1), ('tea', 2), ('pot', 30)")
    return database


def sql_query(url: str, statement: str = FIND, **given: Any) -> Harness[SQLQuery]:
    return Harness(SQLQuery, url=url, statement=statement, **{"values": {"item": "data/item"}, **given})


def status(harness: Harness[SQLQuery], event: Event) -> int:
    harness.put(event)
    assert harness.taken() == []
    [failed] = harness.errors
    assert failed.failure is not None
    return failed.failure.status


def test_rows_are_found_by_a_value_of_the_event(orders: tuple[str, Ask]) -> None:
    with sql_query(orders[0]) as query:
        event = JSONEvent({"item": "tea"})
        query.put(event, JSONEvent({"item": "nothing"}), JSONEvent({}))
        found = query.taken()
        assert [one.data for one in found] == [[{"item": "tea", "total": 1}, {"item": "tea", "total": 2}], [], []]
        assert found[0].trace == event.trace


def test_one_row_or_not_found(orders: tuple[str, Ask]) -> None:
    with sql_query(orders[0], rows="one", max_rows=1) as query:
        query.put(JSONEvent({"item": "tea"}))
        assert query.taken()[0].data == {"item": "tea", "total": 1}
        assert status(query, JSONEvent({"item": "nothing"})) == 404


def test_more_rows_than_may_be_are_refused(orders: tuple[str, Ask]) -> None:
    with sql_query(orders[0], max_rows=1) as query:
        assert status(query, JSONEvent({"item": "tea"})) == 422


@pytest.mark.parametrize("evil", ["' or 1=1 --", "tea'; drop table orders; --", ":item", "%s", "\\"])
def test_what_an_event_says_never_becomes_sql(orders: tuple[str, Ask], evil: str) -> None:
    url, ask = orders
    with sql_query(url) as query:
        query.put(JSONEvent({"item": evil}))
        assert query.taken()[0].data == []
    assert ask("select count(*) from orders") == [(3,)]


@pytest.mark.parametrize(
    "statement", ["delete from orders where item = :item", "insert into orders (item) values (:item)"]
)
def test_a_statement_that_writes_is_refused(orders: tuple[str, Ask], statement: str) -> None:
    url, ask = orders
    with sql_query(url, statement) as query:
        assert status(query, JSONEvent({"item": "tea"})) == 500
    assert ask("select count(*) from orders") == [(3,)]


def test_values_of_other_types_become_json(server: Server) -> None:
    statement = """select 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as id, date '2026-03-01' as day,
        1.50::numeric as sum,
        '\\x6869'::bytea as raw, array[1, 2] as list, '{"a": [null]}'::jsonb as doc, interval '1 hour' as span,
        cast(:number as integer) + 1 as next, inet '10.0.0.1' as host"""
    with sql_query(server.url, statement.replace("::", "\\:\\:"), values={"number": "data"}) as query:
        query.put(Event("41"))
        assert [failed.failure for failed in query.errors] == []
        [row] = query.taken()[0].data
        assert row["id"] == "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
        assert (row["day"], row["sum"], row["raw"], row["list"]) == ("2026-03-01", "1.50", "aGk=", [1, 2])
        assert (row["doc"], row["next"], row["host"]) == ({"a": [None]}, 42, "10.0.0.1")


def test_values_that_are_of_no_use_fail_alone(server: Server) -> None:
    with sql_query(server.url, "select cast(:item as integer) as number") as query:
        for item in ("x", 2**70, "a\0b"):
            assert status(query, JSONEvent({"item": item})) == 422
        query.put(JSONEvent({"item": "7"}))
        assert query.taken()[0].data == [{"number": 7}]


def test_a_query_that_takes_too_long_is_ended(server: Server) -> None:
    with sql_query(server.url, "select pg_sleep(:item)", timeout_s=0.2) as query:
        begun = time.monotonic()
        assert status(query, JSONEvent({"item": 60})) == 503
        assert time.monotonic() - begun < 30


def test_wrong_parameters_are_found_before_anything_starts() -> None:
    def problems(**given: Any) -> list[str]:
        whole = {"url": "sqlite://", "statement": FIND, "values": {"item": "data"}, **given}
        return [problem.path for problem in SQLQuery.check(params.build(SQLQuery.Params, whole))]

    assert problems() == []
    assert problems(values={}) == ["values"]
    assert problems(values={"item": "data", "more": "data"}) == ["values"]
    assert problems(url="oracle://x") == ["url"]
