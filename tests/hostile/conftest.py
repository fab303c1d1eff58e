from __future__ import annotations

import os
import random

import pytest

from tests.hostile import report
from tests.runtime.mdp.conftest import make_client, make_peer, make_worker

__all__ = ["make_client", "make_peer", "make_worker"]

#: What the attacks are made of. Another seed, another attack.
SEED = int(os.environ.get("HOSTILE_SEED", "1"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/hostile/" in item.nodeid:
            item.add_marker(pytest.mark.hostile)
            item.add_marker(pytest.mark.timeout(report.SECONDS * 10 + 180))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if report.rows and report.LONG:
        terminalreporter.section("honest clients beside each attack")
        for row in report.rows:
            terminalreporter.write_line(row)


@pytest.fixture
def seconds() -> float:
    """How long an attack lasts."""
    return report.SECONDS


@pytest.fixture
def dice() -> random.Random:
    """What an attack throws."""
    return random.Random(SEED)
