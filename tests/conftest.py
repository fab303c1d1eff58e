"""Fixtures for all tests: processes that do not outlive their test, and what needs Docker or a cluster."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from actorkit.observe import redact
from tests.fleet import Fleet

# How long an example takes says nothing on a busy machine.
settings.register_profile("actorkit", deadline=None)
settings.load_profile("actorkit")


@pytest.fixture(autouse=True)
def _no_secrets() -> Iterator[None]:
    """What one test's actors have as secrets is no secret of the next test's."""
    yield
    redact.forget()


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Actors as processes; their socket files need a short path (107 bytes, unix(7))."""
    with tempfile.TemporaryDirectory(prefix="ak-") as folder:
        made = Fleet(Path(folder))
        try:
            yield made
        finally:
            made.close()
