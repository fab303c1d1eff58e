"""An actor that is a server on a plain loop of its own: in a Director a native thread, in a topology a process."""

from __future__ import annotations

from actorkit import Actor
from actorkit.mdp.server import Server
from actorkit.mdp.thread import ServerThread
from actorkit.transport.keys import ClientKeys, ServerKeys


class ServerActor(Actor):
    """Runs its server in a thread. What derives from it calls `serve` in its `setup`."""

    LISTENS = {"port": 5550}

    #: Where it is reached, once it is set up.
    endpoint: str = ""
    _thread: ServerThread | None = None

    def serve(self, server: Server) -> None:
        """Bind and begin to serve.

        Raises:
            SettingsError: it cannot be bound, or a key is wrong.
        """
        self._thread = ServerThread(server)
        self.endpoint = self._thread.start()

    def teardown(self) -> None:
        """Finish what it has, and end."""
        if self._thread is not None:
            self._thread.stop()


def server_keys(keys: ClientKeys | None) -> ServerKeys | None:
    """The other half of the topology's keys; who has them may connect."""
    return ServerKeys(secret_key=keys.secret_key, allowed=[keys.public_key]) if keys is not None else None
