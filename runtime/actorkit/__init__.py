"""actorkit: graphs of small actors, each one a process or a container."""

from actorkit.actor import Actor, Held
from actorkit.errors import (
    ActorkitError,
    AnswerTimeout,
    Conflict,
    ConversionError,
    ErrorMessage,
    EventError,
    Forbidden,
    Gone,
    MalformedEvent,
    MethodNotAllowed,
    NotAcceptable,
    NotAnswered,
    NotFound,
    NotModified,
    PaymentRequired,
    RateExceeded,
    RequestFailed,
    ServiceUnavailable,
    Unauthorized,
    UnprocessableEvent,
    UnsendableData,
    UnsupportedMediaType,
)
from actorkit.event import Event, HttpEvent, JSONEvent, XMLEvent
from actorkit.event.context import Failure, Http

__version__ = "0.1.0"

__all__ = [
    "Actor",
    "ActorkitError",
    "AnswerTimeout",
    "Conflict",
    "ConversionError",
    "ErrorMessage",
    "Event",
    "EventError",
    "Failure",
    "Forbidden",
    "Gone",
    "Held",
    "Http",
    "HttpEvent",
    "JSONEvent",
    "MalformedEvent",
    "MethodNotAllowed",
    "NotAcceptable",
    "NotAnswered",
    "NotFound",
    "NotModified",
    "PaymentRequired",
    "RateExceeded",
    "RequestFailed",
    "ServiceUnavailable",
    "Unauthorized",
    "UnprocessableEvent",
    "UnsendableData",
    "UnsupportedMediaType",
    "XMLEvent",
]
