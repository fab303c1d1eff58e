"""A bound ROUTER socket, and the ZAP handler in front of it where there are keys: what a broker's process opens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import zmq
from zmq.backend import Socket

from actorkit.errors import SettingsError
from actorkit.transport.curve import demand_keys
from actorkit.transport.endpoint import Endpoint
from actorkit.transport.keys import ServerKeys
from actorkit.transport.zap import ZapHandler


class BoundRouter:
    """Opened by making it, in a context of its own; `close()` closes all of it. The socket is one thread's.

    `what` names the owner in errors, `configure` sets options before the socket is bound. Each send tells what it
    cannot deliver (ROUTER_MANDATORY).

    Raises:
        SettingsError: a key is wrong, or the endpoint cannot be bound.
    """

    def __init__(self, what: str, endpoint: str, keys: ServerKeys | None, configure: Callable[[Socket], None]) -> None:
        self._context: zmq.Context[Any] = zmq.Context()
        self._zap_handler: ZapHandler | None = None
        self.socket = Socket(self._context, zmq.ROUTER)
        try:
            self.socket.set(zmq.ROUTER_MANDATORY, 1)
            self.socket.set(zmq.IPV6, int(Endpoint.parse(endpoint).is_ipv6))
            configure(self.socket)
            if keys is not None:
                self._zap_handler = ZapHandler(self._context, keys.allowed)
                demand_keys(self.socket, keys)
            self.socket.bind(endpoint)
        except SettingsError:
            self.close()
            raise
        except ValueError as exc:
            self.close()
            raise SettingsError(f"{what}: {exc}") from exc
        except zmq.ZMQError as exc:
            self.close()
            raise SettingsError(f'{what} cannot bind "{endpoint}": {exc}. Choose a free endpoint.') from exc
        bound = self.socket.get(zmq.LAST_ENDPOINT)
        #: The endpoint with its real port.
        self.bound = bound.rstrip(b"\0").decode() if isinstance(bound, bytes) else endpoint

    def __repr__(self) -> str:
        return f"<BoundRouter at {self.bound}, {self._zap_handler or 'open to all'}>"

    @property
    def denied(self) -> int:
        """Connections without a known key."""
        return self._zap_handler.denied if self._zap_handler is not None else 0

    def close(self, linger_ms: int = 0) -> None:
        """Close; what was sent may take so long to leave."""
        self.socket.close(linger_ms)
        if self._zap_handler is not None:
            self._zap_handler.close()
        self._context.term()
