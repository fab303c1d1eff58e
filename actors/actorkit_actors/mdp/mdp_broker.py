"""The broker between clients and workers."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta
from msgspec.structs import replace

from actorkit.mdp.broker.broker import Broker
from actorkit.mdp.options import BrokerParams
from actorkit.transport.endpoint import Endpoint
from actorkit_actors.mdp.server_actor import ServerActor, server_keys


class MDPBroker(ServerActor):
    """Gives requests for services to the workers that registered for them, and the answers back (RFC 7/MDP).

    In a topology it is a process of its own on a plain loop (`actorkit.mdp.broker:Broker`), and every client and
    worker of the topology uses it; `broker: {…}` is short for one of that name. In a Director it is a native thread
    that listens on `host` and `port`, and the Director's clients and workers use it.
    """

    NAME: ClassVar[str] = "mdp-broker"
    KIND: ClassVar[str] = "broker"
    PROCESS: ClassVar[str] = "actorkit.mdp.broker:Broker"
    IS_BROKER = True

    class Params(BrokerParams, frozen=True, kw_only=True):
        port: Annotated[int, Meta(ge=0, le=65535, description="port of a Director's broker; 0: any free one")] = 5550
        host: Annotated[str, Meta(description="address of a Director's broker")] = "127.0.0.1"

    params: Params

    def setup(self) -> None:
        """Bind and begin to serve.

        Raises:
            SettingsError: it cannot be bound, or could be reached from other machines without keys.
        """
        params: BrokerParams = replace(self.params, keys=self.params.keys or server_keys(self.runtime.keys))
        self.serve(Broker(str(Endpoint.tcp(self.params.host, self.params.port)), params))
