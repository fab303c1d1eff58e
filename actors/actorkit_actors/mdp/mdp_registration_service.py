"""Where brokers announce themselves, and clients and workers ask who is there."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from actorkit.mdp.directory.service import RegistrationService
from actorkit.mdp.options import RegistrationParams, refuse_clear
from actorkit.transport.endpoint import Endpoint
from actorkit_actors.mdp.server_actor import ServerActor, server_keys


class MDPRegistrationService(ServerActor):
    """Lists the brokers that are there, so that clients and workers find them across hosts.

    In a topology it is a process of its own (`actorkit.mdp.directory:RegistrationService`): every broker announces
    itself there, every client and worker asks it; `registration: {…}` is short for one of that name. In a Director it
    is a native thread that listens on `host` and `port`.
    """

    NAME: ClassVar[str] = "mdp-registration-service"
    KIND: ClassVar[str] = "registration"
    PROCESS: ClassVar[str] = "actorkit.mdp.directory:RegistrationService"

    class Params(RegistrationParams, frozen=True, kw_only=True):
        port: Annotated[int, Meta(ge=0, le=65535, description="port of a Director's service; 0: any free one")] = 5550
        host: Annotated[str, Meta(description="address of a Director's service")] = "127.0.0.1"

    params: Params

    def setup(self) -> None:
        """Bind and begin to serve.

        Raises:
            SettingsError: it cannot be bound, or could be reached from other machines without keys.
        """
        where = str(Endpoint.tcp(self.params.host, self.params.port))
        keys = self.params.keys or server_keys(self.runtime.keys)
        refuse_clear(self.name, where, keys, clear=self.params.clear)
        self.serve(RegistrationService(where, settle_s=self.params.settle_s, keys=keys))
