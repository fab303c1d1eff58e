"""What an event is, in a process and on the wire."""

from actorkit.event.event import Event
from actorkit.event.views import FormEvent, HttpEvent, JSONEvent, LogEvent, XMLEvent

__all__ = ["Event", "FormEvent", "HttpEvent", "JSONEvent", "LogEvent", "XMLEvent"]
