"""How two processes share the tests (pytest-xdist): one has all files that need the engine or the cluster, and begins
with them, since there is one engine and they take longest; else the tests of a file stay together.

`make test` loads it; where one process runs the tests, nothing is shared.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import cache
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.places import ROOT

#: What stands in a file whose tests need the engine or the cluster.
MARKS = ("mark.docker", "mark.cluster")


@cache
def needs_engine(path: str) -> bool:
    """Whether tests of a file, named from the root, need what there is one of."""
    text = (ROOT / path).read_text()
    return any(mark in text for mark in MARKS)


class EngineApart(LoadScopeScheduling):  # type: ignore[misc]  # the plugin has no types
    """Shares the tests by file, those that need the engine as one."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return "engine" if needs_engine(path) else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> EngineApart:
    return EngineApart(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: needs_engine(item.nodeid.partition("::")[0]), reverse=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test wrote goes from process to process as UTF-8: halves of surrogate pairs are spelt out."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report
