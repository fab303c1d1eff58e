"""What an event is, in a process and on the wire."""

from actorkit.event.event import Event
from actorkit.event.views import HttpEvent, JSONEvent, XMLEvent

__all__ = ["Event", "HttpEvent", "JSONEvent", "XMLEvent"]
