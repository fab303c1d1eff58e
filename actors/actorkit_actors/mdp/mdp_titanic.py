"""Requests that survive whatever ends: RFC 9/TSP."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import gevent
from msgspec import Meta

from actorkit import Actor
from actorkit.errors import SettingsError
from actorkit.mdp.options import HEARTBEAT_S
from actorkit.mdp.titanic.titanic import AT_A_TIME, KEEP_S, LIMIT, RETRY_S, TIMEOUT_S, Titanic
from actorkit_actors.mdp.mdp_worker import HeartbeatS

#: The file with the requests, and the one that says whose they are, in the folder.
REQUESTS: Final = "requests.sqlite"
LOCK: Final = "lock"
#: Parameters that are settings of the Titanic.
SETTINGS: Final = ("at_a_time", "limit", "timeout_s", "retry_s", "keep_s", "heartbeat_s")
#: How long `teardown` waits for the last answers to be written, in seconds.
CLOSE_S: Final = 2.0


class MDPTitanic(Actor):
    """Keeps requests until they are done, and their answers until they are collected (RFC 9/TSP, Titanic).

    It answers for `titanic.request`, `titanic.reply` and `titanic.close` at every broker. What it has accepted is on
    the disk, survives its own end and the brokers', and is done when the service is there. `titanic: {…}` in a topology
    is short for one of that name. The files are one instance's: it has no replicas.
    """

    NAME: ClassVar[str] = "mdp-titanic"
    KIND: ClassVar[str] = "titanic"
    USES_BROKER = True
    KEEPS = {"folder": "/var/lib/actorkit/data"}

    class Params(Actor.Params, frozen=True, kw_only=True):
        folder: Annotated[str, Meta(description="folder that the requests are kept in; a volume in a deployment")] = (
            "/var/lib/actorkit/data"
        )
        at_a_time: Annotated[int, Meta(ge=1, le=10_000, description="requests that are done at a time")] = AT_A_TIME
        limit: Annotated[int, Meta(ge=1, description="requests that are kept; more are refused")] = LIMIT
        timeout_s: Annotated[float, Meta(gt=0, description="longest wait for one answer; then it is tried again")] = (
            TIMEOUT_S
        )
        retry_s: Annotated[float, Meta(gt=0, description="pause before a request is tried again")] = RETRY_S
        keep_s: Annotated[float, Meta(gt=0, description="how long a request is kept that nobody closes")] = KEEP_S
        heartbeat_s: HeartbeatS = HEARTBEAT_S

    params: Params
    #: None until `setup` has made it.
    _titanic: Titanic | None = None
    _lock: int | None = None
    _draining: gevent.Greenlet[..., Any] | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the Titanic that it runs, by their names there: parameters of the same names."""
        return {name: getattr(self.params, name) for name in SETTINGS}

    def setup(self) -> None:
        """Open the file, register at the brokers, and go on with what was left.

        Raises:
            SettingsError: there is no broker, or the folder cannot be used.
        """
        if not self.runtime.brokers:
            raise SettingsError("there is no broker; write broker: {} into the topology")
        folder = Path(self.params.folder)
        self._lock = _take(folder)
        self._titanic = Titanic(
            self.runtime.brokers,
            folder / REQUESTS,
            keys=self.runtime.keys,
            **self.settings,
        )
        self._titanic.start()

    def drain(self) -> None:
        """Accept nothing more; what is stored stays stored."""
        if self._draining is None and self._titanic is not None:
            self._draining = gevent.spawn(self._titanic.drain, CLOSE_S)

    def teardown(self) -> None:
        """Close the file and the connections; what is under way is done again by the next process."""
        if self._draining is not None:
            self._draining.join(timeout=CLOSE_S)
            self._draining.kill()
        if self._titanic is not None:
            self._titanic.close()
        if self._lock is not None:
            os.close(self._lock)


def _take(folder: Path) -> int:
    """Make the folder, and see that no other instance has it; the kernel lets go of it however this one ends.

    Raises:
        SettingsError: it cannot be made, or is in use.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        raise SettingsError(
            f'folder: "{folder}" cannot be used: {exc.strerror}. Name one that can be written.'
        ) from exc
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(lock)
        raise SettingsError(f'folder: another instance keeps requests in "{folder}". There can be only one.') from exc
    return lock
