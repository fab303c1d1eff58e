"""Fixtures for tests of the runtime."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from actorkit.director import Director
from tests.runtime.host.setting import Setting


@pytest.fixture
def director() -> Iterator[Director]:
    made = Director("test")
    yield made
    made.stop(0)


@pytest.fixture
def setting() -> Iterator[Setting]:
    made = Setting()
    yield made
    made.close()
