"""The tally: one process beside a topology that tells at `/scale` how much work each actor has before it, all told.

Each instance tells its own share at its `/scale`; an autoscaler needs their sum, also of several senders, and of
senders that have no instance now. A number that an instance does not tell is not guessed: then that actor is left out,
so that an autoscaler which reads it does nothing. A sender without an address has no instance: nothing waits there.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from actorkit import __version__, params
from actorkit.observe import logs, metrics
from actorkit.observe.scale import AT_A_TIME, ask_all
from actorkit.process.admin import serve_admin
from actorkit.settings import Settings
from actorkit.transport.addresses import resolve

#: How long an answer is given again before the instances are asked anew, in seconds: several autoscalers ask at once.
FRESH_S: Final = 1.0


class TallyParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`of`: actor → `host:port` of the admin servers where its work waits → the names that it has there."""

    of: dict[str, dict[str, tuple[str, ...]]] = {}


class Tally:
    """Sums up what waits. Any thread may ask; `clock` is a monotonic time in seconds."""

    def __init__(
        self,
        of: Mapping[str, Mapping[str, tuple[str, ...]]],
        clock: Callable[[], float] = time.monotonic,
        addresses: Callable[[str], list[str] | None] = resolve,
    ) -> None:
        self._of = of
        self._clock = clock
        self._addresses = addresses
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._told: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<Tally of {', '.join(self._of)}: {self._told}>"

    def waiting(self) -> Mapping[str, int]:
        """How much waits for each actor; without those of which it is not known."""
        with self._lock:
            if self._clock() - self._asked_at >= FRESH_S:
                self._told = self._sums()
                self._asked_at = self._clock()
            return self._told

    def _sums(self) -> dict[str, int]:
        hosts = sorted({host for hosts in self._of.values() for host in hosts})
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            resolved = dict(zip(hosts, pool.map(self._addresses, hosts), strict=True))
        told = ask_all(sorted({one for found in resolved.values() for one in found or ()}))
        found: dict[str, int] = {}
        for actor, named in self._of.items():
            shares = [_share(resolved[host], told, names) for host, names in named.items()]
            if None not in shares:
                found[actor] = sum(share for share in shares if share is not None)
        return found


def _share(addresses: list[str] | None, told: Mapping[str, Mapping[str, int]], names: tuple[str, ...]) -> int | None:
    """What waits under these names at all of these instances; None where one of them does not tell. A broker names no
    service that it has not heard of, and has nothing for it."""
    if addresses is None or any(one not in told for one in addresses):
        return None
    return sum(told[one].get(name, 0) for one in addresses for name in names)


def main(settings: Settings) -> int:
    """Run the tally until SIGTERM or SIGINT; returns the exit status.

    Raises:
        SettingsError: a parameter is wrong, or the admin port cannot be bound.
    """
    logs.configure(
        settings.log_format,
        settings.log_level,
        topology=settings.topology,
        actor=settings.actor,
        instance=settings.instance,
    )
    tally = Tally(params.build(TallyParams, settings.params).of)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    info = metrics.BuildInfo(__version__, settings.topology, settings.actor)
    server = serve_admin(settings, str, {"/scale": tally.waiting}, info)
    ended.wait()
    if server is not None:
        server.stop()
    return 0
