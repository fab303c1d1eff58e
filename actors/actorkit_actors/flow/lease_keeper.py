"""Which of several replicas makes the events: the one that holds a lease at the broker."""

from __future__ import annotations

import logging
from secrets import token_hex
from typing import Final

import gevent

from actorkit.actor import Runtime
from actorkit.errors import ActorkitError, SettingsError
from actorkit.mdp.client.client import Client
from actorkit.mdp.lease import SERVICE, Lease

#: How often a lease is renewed, or asked for, while it lasts.
TIMES: Final = 4
#: Longest wait for the broker's answer, in seconds: an instance that ends asks it too.
ASK_S: Final = 2.0

log = logging.getLogger("actorkit.lease")


class LeaseKeeper:
    """Holds the lease, or waits for it, in a greenlet; all replicas of one actor ask the same broker."""

    def __init__(self, runtime: Runtime, lease_s: float) -> None:
        """Begin to ask for it.

        Raises:
            SettingsError: there is no broker.
        """
        if not runtime.brokers:
            raise SettingsError("lease_s needs a broker; write broker: {} into the topology")
        self._pause_s = lease_s / TIMES
        self._client = Client(runtime.brokers, keys=runtime.keys, in_order=True)
        holder = f"{runtime.instance}/{token_hex(8)}"  # no other process is it, whatever it is called
        self._lease = Lease(f"{runtime.topology}/{runtime.name}", holder, lease_s, self._ask)
        self._told = ""
        self._keeping = gevent.spawn(self._keep)

    def __repr__(self) -> str:
        return f"<LeaseKeeper {self._lease}>"

    @property
    def holds(self) -> bool:
        """Whether it is this replica that makes the events."""
        return self._lease.held

    @property
    def mark(self) -> int | None:
        """How far the replicas have come, as far as is known here."""
        return self._lease.mark

    def leave(self, mark: int) -> None:
        """Tell the next one how far this one has come."""
        self._lease.leave(mark)

    def close(self) -> None:
        """Let another replica have it."""
        self._keeping.kill()
        try:
            self._lease.give_up()
        except ActorkitError as exc:
            log.info("the lease is not given up: %s", exc)
        self._client.close()

    def _keep(self) -> None:
        while True:
            try:
                self._lease.renew()
                self._told = ""
            except ActorkitError as exc:
                self._tell(str(exc))
            gevent.sleep(self._pause_s)

    def _tell(self, why: str) -> None:
        if not self._told:
            log.warning("the broker was not asked for the lease: %s", why)
        self._told = why

    def _ask(self, request: bytes) -> bytes:
        return self._client.call(SERVICE, [request], timeout_s=min(self._pause_s, ASK_S))[0]
