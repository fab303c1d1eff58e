"""postgres-outbox, with PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from actorkit import Event, MalformedEvent, params
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.sql.postgres_outbox import PostgresOutbox
from tests.actors.sql.postgres import Server

TABLE = """create table outbox (id bigint generated always as identity primary key, kind text, body jsonb,
    done timestamptz, failure text)"""


@pytest.fixture
def table(server: Server) -> Iterator[Server]:
    """A server with an empty outbox table."""
    server.ask(TABLE)
    yield server
    server.ask("drop table outbox")


def write(server: Server, count: int, first: int = 1) -> None:
    server.ask(
        f"""insert into outbox (kind, body) select 'order', jsonb_build_object('order', n)
        from generate_series({first}, {first + count - 1}) n"""
    )


def outbox(server: Server, **given: Any) -> Harness[PostgresOutbox]:
    given = {"data": "body", "attributes": {"kind": "kind"}, "batch_size": 2, "poll_interval_s": 0.1, **given}
    return Harness(PostgresOutbox, url=server.url, table="outbox", **given)


def orders(events: list[Event]) -> list[int]:
    return [event.data["order"] for event in events]


def left(server: Server) -> list[int]:
    return [order for (order,) in server.ask("select (body->>'order')::int from outbox where done is null order by id")]


def test_rows_become_events_and_are_deleted_when_they_are_settled(table: Server) -> None:
    write(table, 3)
    with outbox(table) as source:
        events = source.produce(3)
        assert orders(events) == [1, 2, 3]
        assert [event.attributes["kind"] for event in events] == ["order"] * 3
        assert left(table) == [1, 2, 3]
        source.settle(*events[:2])
        assert left(table) == [3]
        source.settle(events[2])
        assert left(table) == []


def test_the_whole_row_is_the_data_where_no_column_is_named(table: Server) -> None:
    write(table, 1)
    with outbox(table, data="", attributes={}) as source:
        [event] = source.produce(1)
        assert event.data == {"id": 1, "kind": "order", "body": {"order": 1}, "done": None, "failure": None}
        source.settle(event)


def test_replicas_share_the_rows_and_take_what_a_killed_one_had(table: Server) -> None:
    write(table, 4)
    with outbox(table) as second:
        first = outbox(table)
        killed = first.produce(2)
        assert orders(killed) == [1, 2]
        others = second.produce(2)
        assert orders(others) == [3, 4]
        first.settle(killed[0])
        for taken in first.actor.taken.values():
            taken.connection.close()  # As the server sees a kill; what it had been told of half a batch is gone.
        again = second.produce(2)
        assert [event.key for event in again] == [event.key for event in killed]
        second.settle(*others, *again)
        assert left(table) == []
        first.actor.taken.clear()
        first.actor.teardown()


def test_what_is_unfinished_at_the_end_stays_and_what_is_settled_goes(table: Server) -> None:
    write(table, 2)
    with outbox(table) as source:
        source.settle(source.produce(2)[0])
    assert left(table) == [2]


def test_rows_are_marked_with_the_time_and_the_failure(table: Server) -> None:
    write(table, 2)
    with outbox(table, done_column="done", failure_column="failure") as source:
        one, two = source.produce(2)
        source.settle(two, failure=MalformedEvent("no \0such customer"))
        source.settle(one)
        assert left(table) == []
        assert table.ask("select id, failure from outbox order by id") == [(1, None), (2, "no such customer")]
        write(table, 1, first=3)
        again = source.produce(1)
        assert orders(again) == [3]
        source.settle(*again)


def test_notify_wakes_it_long_before_the_next_look(table: Server) -> None:
    with outbox(table, channel="New rows", poll_interval_s=600) as source:
        with table.connect() as connection:  # Committed at the end, as in a program.
            connection.execute("""insert into outbox (body) values ('{"order": 7}')""")
            connection.execute("""notify "New rows" """)
        first = source.produce(1)
        source.settle(*first)
        with table.connect() as connection:
            connection.execute("""insert into outbox (body) values ('{"order": 8}')""")
            connection.execute("""notify "New rows" """)
        with gevent.Timeout(60):
            second = source.produce(1)
        assert orders([*first, *second]) == [7, 8]
        source.settle(*second)


def test_no_more_transactions_are_open_than_may_be(table: Server) -> None:
    write(table, 5)
    with outbox(table, transactions=2) as source:
        events = source.produce(4)
        open_ = "select count(*) from pg_stat_activity where state = 'idle in transaction'"
        assert table.ask(open_) == [(2,)]
        gevent.spawn_later(0.1, source.settle, *events)
        last = source.produce(1)
        assert orders(last) == [5]
        source.settle(*last)


@pytest.mark.parametrize("name", ["nowhere", 'outbox"; drop table outbox; --'])
def test_a_table_that_does_not_fit_is_found_at_the_start(table: Server, name: str) -> None:
    with pytest.raises(SettingsError, match="is no outbox table"):
        Harness(PostgresOutbox, url=table.url, table=name)
    with pytest.raises(SettingsError, match="is no outbox table"):
        outbox(table, done_column=name)
    assert left(table) == []


def test_wrong_parameters_are_found_before_anything_starts() -> None:
    def problems(**given: Any) -> list[str]:
        whole = {"url": "postgresql://h/d", "table": "outbox", **given}
        return [problem.path for problem in PostgresOutbox.check(params.build(PostgresOutbox.Params, whole))]

    assert problems() == []
    assert problems(url="sqlite://") == ["url"]
    assert problems(failure_column="failure") == ["failure_column"]
