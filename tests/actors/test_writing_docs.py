"""docs/writing-actors.md and docs/director.md tell the truth: each snippet runs, and nothing goes untold."""

from __future__ import annotations

import inspect
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from actorkit import Actor, Event
from actorkit.director import Director
from actorkit.testing import Harness
from actorkit_kit import python_process
from tests.places import ROOT

GUIDE = (ROOT / "docs" / "writing-actors.md").read_text()
DIRECTOR = (ROOT / "docs" / "director.md").read_text()


def snippets(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("text", "count"), [(GUIDE, 16), (DIRECTOR, 3)], ids=["guide", "director"])
def test_the_snippets_run_one_after_the_other(text: str, count: int, tmp_path: Path) -> None:
    found = snippets(text)
    assert len(found) == count
    program = tmp_path / "guide.py"
    program.write_text("\n".join(["from __future__ import annotations", *found]))
    done = subprocess.run(
        [*python_process.command("guide")],
        cwd=tmp_path,
        env=python_process.environ({"PYTHONPATH": f"{tmp_path}:{python_process.environ()['PYTHONPATH']}"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_actor_that_the_guide_keeps_files_for_numbers_an_event_once(tmp_path: Path) -> None:
    scope: dict[str, object] = {"__name__": "guide"}
    for snippet in snippets(GUIDE)[:4]:
        exec(compile(snippet, "docs/writing-actors.md", "exec", dont_inherit=True), scope)
    numbered: Any = scope["Numbered"]
    event = Event("x")
    with Harness[Actor](numbered, folder=str(tmp_path / "kept")) as harness:
        for one in (event, event, Event("y")):
            harness.put(one)
        assert [made.data["number"] for made in harness.taken()] == [1, 1, 2]


def test_the_guide_tells_all_that_a_class_may_say_or_do() -> None:
    told = set(re.findall(r"[A-Za-z_]+", GUIDE))
    names = {name for name in vars(Actor) if not name.startswith("_")}
    # What only the runtime and the broker use.
    inner = {
        "IS_BROKER",
        "consumes",
        "consumes_itself",
        "consumes_batches",
        "produces",
        "handles_events",
        "input_class",
        "annotation",
    }
    inner |= {"has_coroutines", "needs_broker", "timers", "settles"}
    assert names - inner <= told


def test_the_director_page_lists_each_call() -> None:
    listed = set(re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\| .* \|$", DIRECTOR, re.MULTILINE))))
    calls = {name for name, _ in inspect.getmembers(Director) if not name.startswith("_")}
    assert listed >= calls
