"""The graph behind the server that is attacked: what comes goes back."""

from __future__ import annotations

from actorkit import Actor, Event


class Echo(Actor):
    """Gives every event back as it came."""

    def consume(self, event: Event) -> Event:
        return event
