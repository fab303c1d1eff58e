"""Actors as forks of a process that has imported what they need."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from actorkit_kit.dev.forks import Forks
from actorkit_kit.load import load_plan
from actorkit_kit.local.child import Running
from actorkit_kit.local.processes import Local, Process, socket_folder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no socket keeps messages apart")

TOPOLOGY = """\
name: forks
actors: {tick: {uses: generator, params: {interval_s: 0.05, data: tick}}, show: {uses: stdout}}
connections: [tick -> show]
"""
DEADLINE_S = 30.0


def forked(tmp_path: Path, use: Callable[[Forks, Process, Process], Awaitable[None]]) -> None:
    """Use forks, with two instances to start."""

    async def run() -> None:
        forks = Forks(["actorkit_actors.flow.stdout", "there_is.none"], {})
        await forks.open()
        try:
            async with asyncio.timeout(DEADLINE_S):
                await use(forks, *processes)
        finally:
            await forks.close()

    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    plan = load_plan(str(tmp_path / "topology.yaml"), "local")
    with socket_folder(plan) as folder:
        local = Local(plan, folder)
        processes = [local.process(plan.unit("show"), number) for number in (1, 2)]
        asyncio.run(run())


async def said(running: Running, what: str) -> None:
    """Wait until it writes that."""
    assert running.stdout is not None
    while what.encode() not in (line := await running.stdout.readline()):
        assert line, f"it ended with {running.returncode} and never said {what}"


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_an_actor_is_a_fork_that_drains_and_tells_its_status(tmp_path: Path) -> None:
    async def use(forks: Forks, process: Process, sibling: Process) -> None:
        one, other = await forks.start(process), await forks.start(sibling)
        await said(one, "started in")
        await said(other, "started in")
        assert parent_of(one.pid) == parent_of(other.pid) != os.getpid()
        assert os.getsid(one.pid) == one.pid
        os.kill(one.pid, signal.SIGTERM)
        assert await one.wait() == 0
        os.kill(other.pid, signal.SIGKILL)
        assert await other.wait() == other.returncode == -signal.SIGKILL

    forked(tmp_path, use)


def test_what_is_wrong_with_its_settings_is_told_as_ever(tmp_path: Path) -> None:
    async def use(forks: Forks, process: Process, sibling: Process) -> None:
        environ = {**process.environ, "ACTORKIT_CLASS": "there_is.none:Actor"}
        running = await forks.start(replace(process, environ=environ))
        await said(running, 'there is no module "there_is"')
        assert await running.wait() == 78

    forked(tmp_path, use)


def test_without_a_zygote_an_actor_starts_as_ever(tmp_path: Path) -> None:
    async def use(forks: Forks, process: Process, sibling: Process) -> None:
        first = await forks.start(process)
        os.kill(parent_of(first.pid), signal.SIGKILL)
        await first.wait()
        running = await forks.start(sibling)
        await said(running, "started in")
        assert parent_of(running.pid) == os.getpid()
        os.kill(running.pid, signal.SIGTERM)
        assert await running.wait() == 0

    forked(tmp_path, use)
