"""What an event is, in a process and on the wire."""

from actorkit.event.event import Event, HttpEvent, JSONEvent, XMLEvent

__all__ = ["Event", "HttpEvent", "JSONEvent", "XMLEvent"]
