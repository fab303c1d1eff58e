"""Fixtures for all tests: processes that do not outlive their test, and what needs Docker or a cluster."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet import Fleet


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Actors as processes; their socket files need a short path (107 bytes, unix(7))."""
    with tempfile.TemporaryDirectory(prefix="ak-") as folder:
        made = Fleet(Path(folder))
        try:
            yield made
        finally:
            made.close()
