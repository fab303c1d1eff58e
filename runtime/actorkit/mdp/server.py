"""What the broker and the registration service have in common: one ROUTER on a plain loop, bound, run and stopped."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from prometheus_client.registry import Collector
from zmq.backend import Socket

from actorkit.mdp.router import BoundRouter
from actorkit.transport.keys import ServerKeys

log = logging.getLogger(__name__)

#: How long what was sent last may take to leave when the socket is closed, in milliseconds.
LINGER_MS: Final = 1000


class Server(Protocol):
    """What runs on a plain loop of its own, as a process or in a native thread."""

    collector: Collector

    def bind(self) -> str: ...

    def run(self) -> None: ...

    def stop(self) -> None: ...

    def unready(self) -> str: ...

    def waiting(self) -> Mapping[str, int]: ...

    def members(self) -> Mapping[str, Any]: ...


class RouterServer(ABC):
    """The shell around a state machine that serves one endpoint; `name` is what logs and errors call it.

    `run()` blocks until `stop()` is called, from a signal handler or any thread, and what `_serve` does at the end is
    done. One thread owns the socket: call `bind()` (optional, to know the port) and `run()` only.
    """

    def __init__(
        self, name: str, endpoint: str, keys: ServerKeys | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.endpoint = endpoint
        self._name = name
        self._keys = keys
        self._clock = clock
        self._stopping = False
        self._bound: str | None = None
        self.router: BoundRouter | None = None

    @property
    def bound_endpoint(self) -> str | None:
        """The endpoint with its real port; None before `bind()`."""
        return self._bound

    @property
    def denied(self) -> int:
        """Connections without a known key."""
        return self.router.denied if self.router is not None else 0

    def bind(self) -> str:
        """Open and bind the socket; returns the endpoint with its real port.

        Raises:
            SettingsError: it cannot be bound, or a key is wrong.
        """
        return self._open().bound

    def run(self) -> None:
        """Serve until stopped; then the socket is closed.

        Raises:
            SettingsError: it cannot be bound, or a key is wrong.
        """
        router = self._open()
        log.info("%s serves at %s", self._name, router.bound)
        try:
            self._serve(router.socket)
        finally:
            router.close(LINGER_MS)
            self.router = None
        log.info("%s at %s ended", self._name, router.bound)

    def stop(self) -> None:
        """Ask `run()` to end; it looks every tenth of a second."""
        self._stopping = True

    def unready(self) -> str:
        """Why nothing should be sent here now; empty when it should."""
        return ""

    def waiting(self) -> Mapping[str, int]:
        """How much work waits here, by who is to do it. Any thread may ask."""
        return {}

    def members(self) -> Mapping[str, Any]:
        """Who is there, as JSON has it. Any thread may ask."""
        return {}

    @abstractmethod
    def _configure(self, socket: Socket) -> None:
        """Set the options of the socket before it is bound."""

    @abstractmethod
    def _serve(self, socket: Socket) -> None:
        """Serve until `_stopping`, and end well; the caller closes the socket."""

    def _open(self) -> BoundRouter:
        if self.router is None:
            self.router = BoundRouter(self._name, self.endpoint, self._keys, self._configure)
            self._bound = self.router.bound
        return self.router
