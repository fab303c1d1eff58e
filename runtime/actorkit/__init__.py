"""actorkit: graphs of small actors, each one a process or a container."""

from actorkit.actor import Actor, Held
from actorkit.errors import (
    ActorkitError,
    AnswerTimeout,
    ConversionError,
    Forbidden,
    MalformedEvent,
    NotFound,
    ServiceUnavailable,
    Unauthorized,
    UnprocessableEvent,
)
from actorkit.event import Event, HttpEvent, JSONEvent, XMLEvent
from actorkit.event.context import Failure, Http

__version__ = "0.1.0"

__all__ = [
    "Actor",
    "ActorkitError",
    "AnswerTimeout",
    "ConversionError",
    "Event",
    "Failure",
    "Forbidden",
    "Held",
    "Http",
    "HttpEvent",
    "JSONEvent",
    "MalformedEvent",
    "NotFound",
    "ServiceUnavailable",
    "Unauthorized",
    "UnprocessableEvent",
    "XMLEvent",
]
