"""Makes faults happen to processes that a supervisor looks after, and undoes the faults that last."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Protocol

from actorkit_kit.chaos.faults import Fault, FaultKind, Victim
from actorkit_kit.local.child import Child
from actorkit_kit.local.processes import Local
from actorkit_kit.local.supervisor import Supervisor

#: Longest wait for a victim that is just being started again, in seconds; the fault is left out then.
ALIVE_TIMEOUT_S: Final = 30.0
#: Time between two looks at it, in seconds.
POLL_INTERVAL_S: Final = 0.01


class Cuttable(Protocol):
    """A network that replicas can be cut off from."""

    def cut(self, actor: str, number: int) -> None: ...

    def mend(self, actor: str, number: int) -> None: ...


class Injector:
    """Injects faults; `done` counts those that happened, `on_fault` hears of each.

    `network` is there when replicas can be cut off.
    """

    def __init__(
        self, supervisor: Supervisor, local: Local, network: Cuttable | None, on_fault: Callable[[str], None]
    ) -> None:
        self.done: Counter[FaultKind] = Counter()
        self._supervisor = supervisor
        self._local = local
        self._network = network
        self._on_fault = on_fault
        self._cut: Counter[Victim] = Counter()
        self._paused: Counter[Victim] = Counter()
        self._lasting: set[asyncio.Task[None]] = set()
        self._actions: dict[FaultKind, Callable[[Fault], Coroutine[Any, Any, None]]] = {
            "kill": self._kill,
            "stop": self._stop,
            "pause": self._pause,
            "partition": self._partition,
            "scale": self._scale,
        }

    async def run(self, faults: Sequence[Fault]) -> None:
        """Let the faults happen, each at its time, and wait until the last one is undone."""
        begun = time.monotonic()
        for fault in faults:
            await asyncio.sleep(max(0.0, begun + fault.at_s - time.monotonic()))
            await self._actions[fault.kind](fault)
        await self.heal()

    async def heal(self) -> None:
        """Wait until nothing is paused, cut off, or being scaled down any more.

        Raises:
            Exception: whatever an undoing raised.
        """
        while self._lasting:
            await asyncio.gather(*self._lasting)

    def _count(self, fault: Fault, what: str) -> None:
        self.done[fault.kind] += 1
        self._on_fault(f"{fault.at_s:.1f} s: {fault.victim}: {what}")

    def _child(self, victim: Victim) -> Child | None:
        for child in self._supervisor.children:
            if (child.process.unit.name, child.process.number) == (victim.actor, victim.number):
                return child
        return None

    async def _alive(self, victim: Victim) -> Child | None:
        """The victim, once it is alive; one that was killed a moment ago is being started again."""
        deadline = time.monotonic() + ALIVE_TIMEOUT_S
        while time.monotonic() < deadline:
            child = self._child(victim)
            if child is not None and child.alive:
                return child
            await asyncio.sleep(POLL_INTERVAL_S)
        self._on_fault(f"{victim} did not come back within {ALIVE_TIMEOUT_S:g} s")
        return None

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._lasting.add(task)
        task.add_done_callback(self._lasting.discard)

    async def _kill(self, fault: Fault) -> None:
        child = await self._alive(fault.victim)
        if child is not None:
            child.signal(signal.SIGKILL)
            self._count(fault, "killed")

    async def _stop(self, fault: Fault) -> None:
        child = await self._alive(fault.victim)
        if child is not None:
            child.signal(signal.SIGTERM)
            self._count(fault, "stopped")

    async def _pause(self, fault: Fault) -> None:
        child = await self._alive(fault.victim)
        if child is not None:
            child.signal(signal.SIGSTOP)
            self._paused[fault.victim] += 1
            self._count(fault, f"paused for {fault.lasts_s:g} s")
            self._later(self._go_on(fault))

    async def _go_on(self, fault: Fault) -> None:
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            self._paused[fault.victim] -= 1
            child = self._child(fault.victim)
            if child is not None and not self._paused[fault.victim]:
                child.signal(signal.SIGCONT)

    async def _partition(self, fault: Fault) -> None:
        if self._network is not None:
            self._network.cut(fault.victim.actor, fault.victim.number)
            self._cut[fault.victim] += 1
            self._count(fault, f"cut off for {fault.lasts_s:g} s")
            self._later(self._mend(fault, self._network))

    async def _mend(self, fault: Fault, network: Cuttable) -> None:
        await asyncio.sleep(fault.lasts_s)
        self._cut[fault.victim] -= 1
        if not self._cut[fault.victim]:
            network.mend(fault.victim.actor, fault.victim.number)

    async def _scale(self, fault: Fault) -> None:
        """One more, or the one that came last gone again; the victim is its sibling."""
        unit = self._local.plan.unit(fault.victim.actor)
        extra = self._child(Victim(unit.name, unit.replicas + 1, ()))
        if extra is None:
            await self._supervisor.add(self._local.process(unit, unit.replicas + 1))
            self._count(fault, f"{unit.replicas + 1} replicas")
        else:
            self._count(fault, f"{unit.replicas} replicas")
            self._later(self._remove(extra))

    async def _remove(self, child: Child) -> None:
        await self._supervisor.remove(child)
