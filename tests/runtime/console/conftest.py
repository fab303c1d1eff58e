"""One browser and one graph for the tests of a file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browsing import Browser
from tests.fleet import Fleet
from tests.runtime.console.setting import Graph


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    made = Browser()
    yield made
    made.close()


@pytest.fixture(scope="module")
def graph() -> Iterator[Graph]:
    with tempfile.TemporaryDirectory(prefix="ak-") as folder:
        fleet = Fleet(Path(folder))
        try:
            yield Graph(fleet)
        finally:
            fleet.close()
