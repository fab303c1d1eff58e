"""The broker between clients and workers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from actorkit import Actor
from actorkit.mdp.broker import Broker
from actorkit.mdp.keys import ClientKeys, ServerKeys
from actorkit.mdp.options import BrokerParams
from actorkit.mdp.thread import ServerThread


class MDPBroker(Actor):
    """Gives requests for services to the workers that registered for them, and the answers back (RFC 7/MDP).

    In a topology it is a process of its own on a plain loop (`actorkit.mdp:Broker`), and every client and worker of the
    topology uses it; `broker: {…}` is short for one of that name. In a Director it is a native thread that listens on
    `host` and `port`, and the Director's clients and workers use it.
    """

    LISTENS = {"port": 5550}
    IS_BROKER = True

    class Params(BrokerParams, frozen=True, kw_only=True):
        port: Annotated[int, Meta(ge=0, le=65535, description="port of a Director's broker; 0: any free one")] = 5550
        host: Annotated[str, Meta(description="address of a Director's broker")] = "127.0.0.1"

    params: Params
    #: Where it is reached, once it is set up.
    endpoint: str = ""
    _thread: ServerThread | None = None

    def setup(self) -> None:
        """Bind and begin to serve.

        Raises:
            SettingsError: it cannot be bound, or could be reached from other machines without keys.
        """
        params: BrokerParams = replace(self.params, keys=self.params.keys or server_keys(self.runtime.keys))
        self._thread = ServerThread(Broker(endpoint(self.params.host, self.params.port), params))
        self.endpoint = self._thread.start()

    def teardown(self) -> None:
        """Finish what it has, for at most `drain_timeout_s`, and end."""
        if self._thread is not None:
            self._thread.stop()


def endpoint(host: str, port: int) -> str:
    """What is bound for a host and a port, 0 for any."""
    return f"tcp://{f'[{host}]' if ':' in host else host}:{port or '*'}"


def server_keys(keys: ClientKeys | None) -> ServerKeys | None:
    """The other half of the topology's keys; who has them may connect."""
    return ServerKeys(secret_key=keys.secret_key, allowed=[keys.public_key]) if keys is not None else None
