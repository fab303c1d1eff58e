"""A trial: a rig runs, calm at first, then under faults, then until everything is acknowledged."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actorkit_kit.chaos import verdict as judge
from actorkit_kit.chaos.faults import Fault, FaultKind
from actorkit_kit.chaos.injector import Cuttable, Injector
from actorkit_kit.chaos.records import MADE, count_arrivals
from actorkit_kit.chaos.rig import Rig
from actorkit_kit.chaos.verdict import Verdict
from actorkit_kit.errors import KitError
from actorkit_kit.local.child import Child
from actorkit_kit.local.processes import Local
from actorkit_kit.local.supervisor import Supervisor

#: Events before the first fault; what they become says what the others must become.
CALM_EVENTS: Final = 50
#: More events than any trial makes.
NO_END: Final = 10**15
#: Longest time until all is ready, in seconds.
START_TIMEOUT_S: Final = 60.0
#: Time between two looks at how far it is, in seconds.
POLL_INTERVAL_S: Final = 0.1
#: Time between two words about how far it is, in seconds.
PROGRESS_INTERVAL_S: Final = 10.0


@dataclass(frozen=True)
class TrialOptions:
    """What a trial does: these faults within `duration_s` seconds, then `settle_s` seconds at most to get over them."""

    seed: int
    duration_s: float
    settle_s: float
    faults: Sequence[Fault]
    exactly_once: bool


class Trial:
    """Runs one rig. `box` is the folder of its dead letters; `on_progress` hears of progress, `on_fault` of faults."""

    def __init__(
        self,
        rig: Rig,
        local: Local,
        supervisor: Supervisor,
        box: Path,
        network: Cuttable | None,
        on_progress: Callable[[str], None],
        on_fault: Callable[[str], None],
    ) -> None:
        self._rig = rig
        self._outsides = rig.outsides()
        self._supervisor = supervisor
        self._box = box
        self._on_progress = on_progress
        self._injector = Injector(supervisor, local, network, on_fault)

    async def run(self, options: TrialOptions) -> Verdict:
        """Run it to its end.

        Raises:
            KitError: it does not even run without faults.
        """
        await self._supervisor.start(START_TIMEOUT_S)
        orders = [asyncio.create_task(outside.run()) for outside in self._outsides.values()]
        try:
            copies = await self._calm(options.settle_s)
            become = ", ".join(f"{amount} of {source}" for source, amount in copies.items())
            self._on_progress(f"arrivals that one event becomes: {become}; faults begin, seed {options.seed}")
            begun = time.monotonic()
            self._set_quota(NO_END)
            await self._run_faults(options)
            self._set_quota(0)
            self._on_progress("faults are over; waiting until everything is acknowledged")
            left = await self._settle(options.settle_s)
            seconds = time.monotonic() - begun
            unclean = await self._supervisor.stop()
        except BaseException:
            await self._supervisor.kill()
            raise
        finally:
            for task in orders:
                task.cancel()
        return self._judge(options, copies, left, seconds, unclean)

    async def _calm(self, timeout_s: float) -> dict[str, int]:
        self._set_quota(CALM_EVENTS)
        if await self._settle(timeout_s):
            raise KitError(f"{CALM_EVENTS} events are not acknowledged within {timeout_s:g} s, without any fault.")
        return judge.copies_of(judge.count(self._rig, self._box))

    async def _run_faults(self, options: TrialOptions) -> None:
        progress = asyncio.create_task(self._report_progress())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._injector.run(options.faults))
                group.create_task(asyncio.sleep(options.duration_s))
        finally:
            progress.cancel()
            for child in self._supervisor.children:
                child.signal(signal.SIGCONT)

    async def _report_progress(self) -> None:
        begun = time.monotonic()
        while True:
            await asyncio.sleep(PROGRESS_INTERVAL_S)
            made = sum(_records(self._rig.made_file(source), MADE.size) for source in self._rig.sources)
            seen = sum(count_arrivals(self._rig.seen(sink))[0] for sink in self._rig.sinks)
            faults = ", ".join(f"{kind} {amount}" for kind, amount in sorted(self._injector.done.items()))
            self._on_progress(
                f"{time.monotonic() - begun:.0f} s: {made} sent, {seen} arrivals, faults: {faults or 'none'}"
            )

    def _set_quota(self, most: int) -> None:
        """Tell the sources, or their outsides, how many events to make, in all."""
        for outside in self._outsides.values():
            outside.set_quota(most)
        for source in self._rig.sources:
            path = self._rig.quota(source)
            temporary = path.with_suffix(".tmp")
            temporary.write_text(str(most))
            temporary.replace(path)

    async def _settle(self, timeout_s: float) -> int:
        """Wait until the sources have made what they were ordered to, everything is acknowledged, and all are ready.

        Returns how many events are not acknowledged in the end; one at least for a source that does not say.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            left = [await self._unfinished_events(source) for source in self._rig.sources]
            if not any(left):
                unready = [child for child in self._supervisor.children if not child.alive or await child.readiness()]
                if not unready:
                    return 0
            if time.monotonic() > deadline:
                return sum(abs(amount) for amount in left)
            await asyncio.sleep(POLL_INTERVAL_S)

    async def _unfinished_events(self, source: str) -> int:
        """Events of a source that are not acknowledged; -1 while it has not made all that it shall, or says nothing.
        Where it settles with an outside, that knows."""
        if source in self._outsides:
            return self._outsides[source].unsettled
        quota = self._rig.quota(source)
        done = quota.with_suffix(".done")
        if not done.exists() or done.read_text() != quota.read_text():
            return -1
        child = next(child for child in self._supervisor.children if child.process.unit.name == source)
        try:
            _, page = await child.page("/metrics")
        except (OSError, TimeoutError):
            return -1
        found = re.search(r"^actorkit_unfinished(?:\{[^}]*\})? ([0-9.e+]+)$", page, re.MULTILINE)
        return int(float(found[1])) if found else -1

    def _judge(
        self, options: TrialOptions, copies: Mapping[str, int], left: int, seconds: float, unclean: Sequence[Child]
    ) -> Verdict:
        found = judge.count(self._rig, self._box)
        outside = [trace for one in self._outsides.values() for trace in one.unsettled_traces()]
        missing = judge.missing(found, copies, frozenset(outside))
        faults: Mapping[FaultKind, int] = self._injector.done
        return Verdict(
            seed=options.seed,
            seconds=round(seconds, 1),
            sent=len(found.made),
            copies=copies,
            received=len(found.times),
            duplicates=judge.duplicates(found, copies),
            lost=len(missing),
            failed=len(found.failed),
            unacknowledged=left,
            stall_s=round(found.stall_s(), 3),
            slowest_s=round(found.slowest_s(), 3),
            faults={str(kind): amount for kind, amount in sorted(faults.items())},
            restarts=sum(child.restarts for child in self._supervisor.children),
            unclean=tuple(f"{child.process.name}: status {child.status}: {child.last_words()}" for child in unclean),
            exactly_once=options.exactly_once,
            repeats=sum(count_arrivals(self._rig.seen(sink))[1] for sink in self._rig.sinks),
            poison=len(found.poison),
            given_up=len(found.poison & found.failed),
            blamed=len(found.given_up - found.poison),
            missing=missing[:20],
        )


def _records(path: Path, size: int) -> int:
    return path.stat().st_size // size if path.exists() else 0
