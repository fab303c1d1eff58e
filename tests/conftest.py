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


@pytest.hookimpl(tryfirst=True)  # before the plugin looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two processes share the tests (`--dist loadgroup`). One has all that needs the engine or the cluster, and begins
    with it, for it takes longest and there is one engine; else a file's tests stay together."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group("engine" if _needs_engine(item) else str(item.path)))
    items.sort(key=_needs_engine, reverse=True)


def _needs_engine(item: pytest.Item) -> bool:
    return any(item.iter_markers("docker")) or any(item.iter_markers("cluster"))


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
