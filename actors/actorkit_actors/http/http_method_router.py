"""One way for each method of HTTP."""

from __future__ import annotations

from typing import ClassVar

from actorkit import Actor, Event
from actorkit.errors import MethodNotAllowed, UnprocessableEvent


class HTTPMethodRouter(Actor):
    """Sends each event into the outbox that is named as the method of its request, in lower case.

    Boxes: `get`, `head`, `post`, `put`, `patch`, `delete` and `options`, of which those are connected that are wanted.
    HEAD goes into `get` where there is no `head`.

    Failures:
        MethodNotAllowed (405): the outbox of the method is not connected; `Allow` names those that are.
        UnprocessableEvent (422): the event has no request.
    """

    NAME: ClassVar[str] = "http-method-router"
    OUTBOXES: ClassVar[tuple[str, ...]] = ("get", "head", "post", "put", "patch", "delete", "options")

    def setup(self) -> None:
        """See which outboxes are connected."""
        self._ways = {name.upper(): name for name in self.OUTBOXES if name in self.runtime.outboxes}
        if "GET" in self._ways:
            self._ways.setdefault("HEAD", self._ways["GET"])

    def consume(self, event: Event) -> None:
        """Send the event where its method leads.

        Raises:
            MethodNotAllowed: that is nowhere.
            UnprocessableEvent: it has none.
        """
        if event.http is None:
            raise UnprocessableEvent("the event has no request, and so no method")
        way = self._ways.get(event.http.method)
        if way is None:
            allow = ", ".join(sorted(self._ways))
            raise MethodNotAllowed(f"{event.http.method} is not for this; there is {allow}", allow=allow)
        self.send(event, way)
