"""Data that stands in a topology: one value, read once, given to many events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from actorkit import Actor
from actorkit.errors import ConversionError, SettingsError
from actorkit.event import body
from actorkit.params import Problem

#: What a fixed value is read as; "auto": a text stays text, anything else is JSON.
Format = Literal["auto", "text", "json", "xml"]

_LETTERS: Final = {"text": body.TEXT, "json": body.JSON, "xml": body.XML}


class FixedParams(Actor.Params, frozen=True, kw_only=True):
    """Parameters of an actor whose events get fixed data."""

    data: Annotated[Any, Meta(description="data of the events: a text, or any JSON value")] = None
    text: Annotated[str, Meta(description="data as text, instead of data; for a file", extra={"file": True})] = ""
    format: Annotated[Format, Meta(description="what it is read as; auto: a text stays text, the rest is JSON")] = (
        "auto"
    )
    attributes: Annotated[dict[str, Any], Meta(description="attributes of the events")] = {}


class Fixed:
    """A value as it stands in the parameters, ready to become the data of any number of events."""

    def __init__(self, params: FixedParams) -> None:
        """Read the value.

        Raises:
            SettingsError: the value is not what the format says (the message says where), or there are two.
        """
        if params.text and params.data is not None:
            raise SettingsError("data: give data or text, not both")
        try:
            format_, content = body.dump(params.text or params.data)
            wanted = _LETTERS.get(params.format)
            if wanted is not None and not (wanted == body.JSON == format_):
                format_, content = body.dump(body.load(format_, content, wanted), wanted)
        except ConversionError as exc:
            raise SettingsError(f'data: it cannot be had as "{params.format}": {exc}') from exc
        self._format, self._content = format_, content

    def data(self) -> Any:
        """The value, made anew: an event may change it."""
        return body.load(self._format, self._content, None)


def problems(params: FixedParams) -> Iterable[Problem]:
    """What is wrong with the value."""
    try:
        Fixed(params)
    except SettingsError as exc:
        yield Problem("data", str(exc).removeprefix("data: "))
