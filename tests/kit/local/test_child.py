"""A process that `kit run` looks after."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from actorkit_kit.local.child import Child
from actorkit_kit.local.processes import Process
from tests.kit.plans import plan_of

PLAN = "name: t\nactors:\n  gen: {uses: generator}\n  out: {uses: stdout}\nconnections: [gen -> out]\n"


async def ends(process: Process, times: int) -> set[int]:
    """The statuses of processes that are killed, and signalled again while nobody has been told of their end."""
    statuses = set()
    for _ in range(times):
        child = Child(process, lambda name, line: None)
        await child.start()
        child.signal(signal.SIGKILL)
        for _ in range(2000):  # asyncio is told of the end when this function waits for something
            child.signal(signal.SIGTERM)
        statuses.add(await child.wait())
    return statuses


def test_a_signal_that_comes_too_late_does_not_change_how_a_process_ended(tmp_path: Path) -> None:
    unit, *_ = plan_of(PLAN, tmp_path).units
    process = Process(unit, 1, ("sleep", "60"), {}, "")
    assert asyncio.run(ends(process, 20)) == {-signal.SIGKILL}
