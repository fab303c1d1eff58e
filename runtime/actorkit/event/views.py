"""Events whose data is seen in one format: `XMLEvent` as an lxml element, `JSONEvent` as JSON values, `LogEvent` as the
JSON of a log record, `FormEvent` as the fields of a form, `HttpEvent` as bytes that came over HTTP."""

from __future__ import annotations

from typing import Any

from actorkit.errors import ConversionError
from actorkit.event import body
from actorkit.event.event import Event


class _Formatted(Event, eq=False, gc=False):
    """An event whose data is of one format, checked when it is made."""

    def __post_init__(self) -> None:
        data = self._data
        if data is not body.UNREAD and type(data) is not body.Raw:
            self._data = body.to_data(data, self.FORMAT)


class XMLEvent(_Formatted, eq=False, gc=False):
    """An event whose `data` is an lxml element."""

    FORMAT = body.XML


class JSONEvent(_Formatted, eq=False, gc=False):
    """An event whose `data` is made of dict, list, str, int, float, bool and None."""

    FORMAT = body.JSON


class LogEvent(JSONEvent, eq=False, gc=False):
    """An event out of a `log` outbox: what an actor logged."""

    def ensure(self) -> None:
        super().ensure()
        data = self.data
        if not (isinstance(data, dict) and isinstance(data.get("message"), str)):
            raise ConversionError('the event is no log record; connect this actor behind an outbox "log"')

    def _field(self, name: str, otherwise: Any) -> Any:
        return self.data.get(name, otherwise)

    @property
    def time(self) -> float:
        """When it was logged, in seconds since 1970."""
        return float(self._field("time", 0.0))

    @property
    def level(self) -> str:
        """`debug`, `info`, `warning`, `error` or `critical`."""
        return str(self._field("level", "info"))

    @property
    def actor(self) -> str:
        """The actor that logged it."""
        return str(self._field("actor", ""))

    @property
    def instance(self) -> str:
        """The instance that logged it."""
        return str(self._field("instance", ""))

    @property
    def message(self) -> str:
        """What it says."""
        return str(self._field("message", ""))


class FormEvent(_Formatted, eq=False, gc=False):
    """An event whose `data` is a form: names of fields to lists of texts."""

    FORMAT = body.FORM


class HttpEvent(_Formatted, eq=False, gc=False):
    """An event that came over HTTP: `data` is the body as bytes, `http` is there."""

    FORMAT = body.BYTES

    def ensure(self) -> None:
        super().ensure()
        if self.http is None:
            raise ConversionError("the event did not come over HTTP; connect this actor behind an HTTP server")
