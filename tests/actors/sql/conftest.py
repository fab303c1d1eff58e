from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.actors.sql import postgres
from tests.actors.sql.postgres import Ask, Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One PostgreSQL for all tests of a process; each makes its own tables."""
    with postgres.running() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Ask]]:
    """The URL of an empty database, and a way to ask it behind the actor's back."""
    if request.param == "sqlite":
        file = tmp_path / "orders.sqlite"

        def ask(statement: str) -> list[Any]:
            with closing(sqlite3.connect(file, isolation_level=None)) as connection:
                return connection.execute(statement).fetchall()

        yield f"sqlite:///{file}", ask
        return
    server: Server = request.getfixturevalue("server")
    yield server.url, server.ask
    server.ask("drop table if exists orders")
