from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.actors.sql import postgres
from tests.actors.sql.postgres import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One PostgreSQL for all tests of a process; each makes its own tables."""
    with postgres.running() as running:
        yield running
