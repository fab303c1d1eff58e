"""Events whose data is seen in one format: `XMLEvent` as an lxml element, `JSONEvent` as JSON values, `HttpEvent` as
bytes that came over HTTP."""

from __future__ import annotations

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


class HttpEvent(_Formatted, eq=False, gc=False):
    """An event that came over HTTP: `data` is the body as bytes, `http` is there."""

    FORMAT = body.BYTES

    def ensure(self) -> None:
        super().ensure()
        if self.http is None:
            raise ConversionError("the event did not come over HTTP; connect this actor behind an HTTP server")
