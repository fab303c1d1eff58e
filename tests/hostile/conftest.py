from __future__ import annotations

import os
import random

import pytest

#: How long each attack lasts, in seconds: `make hostile` says how long, the suite runs it in short.
SECONDS = float(os.environ.get("HOSTILE_S", "2"))

#: What the attacks are made of. Another seed, another attack.
SEED = int(os.environ.get("HOSTILE_SEED", "1"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/hostile/" in item.nodeid:
            item.add_marker(pytest.mark.hostile)
            item.add_marker(pytest.mark.timeout(SECONDS * 10 + 120))


@pytest.fixture
def seconds() -> float:
    """How long an attack lasts."""
    return SECONDS


@pytest.fixture
def dice() -> random.Random:
    """What an attack throws."""
    return random.Random(SEED)
