"""The file that tells the console of a graph."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec
import pytest

from actorkit.console.plan import Actor, GraphPlan, PlanFile
from actorkit.errors import SettingsError


def write(path: Path, plan: GraphPlan) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(msgspec.json.encode(plan))
    new.replace(path)


def test_a_plan_that_is_written_anew_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write(path, GraphPlan(topology="shop", actors=()))
    plans = PlanFile(path)
    assert plans.plan() is plans.plan()
    write(path, GraphPlan(topology="shop", actors=(Actor(name="web", uses="http-server"),)))
    assert [actor.name for actor in plans.plan().actors] == ["web"]


def test_a_plan_that_cannot_be_read_any_more_is_told_of_and_the_last_one_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "plan.json"
    write(path, GraphPlan(topology="shop", actors=()))
    plans = PlanFile(path)
    path.write_text("{")
    with caplog.at_level(logging.WARNING):
        assert plans.plan().topology == "shop"
        assert plans.plan().topology == "shop"
    (line,) = caplog.messages
    assert line.startswith(f'plan: "{path}" holds no plan of kit: ')


def test_a_console_without_a_plan_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file or directory"):
        PlanFile(tmp_path / "plan.json")
