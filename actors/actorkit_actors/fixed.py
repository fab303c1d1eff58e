"""Data that stands in a topology: one value, read once, given to many events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from actorkit import body
from actorkit.errors import ConversionError, SettingsError
from actorkit.params import Problem

#: What a fixed value is read as; "auto": a text stays text, anything else is JSON.
Format = Literal["auto", "text", "json", "xml"]

_LETTERS = {"text": body.TEXT, "json": body.JSON, "xml": body.XML}


class Fixed:
    """A value as it stands in the parameters, ready to become the data of any number of events."""

    def __init__(self, value: Any, format_: Format) -> None:
        """Read the value.

        Raises:
            SettingsError: the value is not what the format says; the message says where.
        """
        try:
            if format_ == "auto" or (format_ == "json" and not isinstance(value, str)):
                self._format, self._content = body.dump(value)
            else:
                source, content = body.dump(value)
                data = body.load(source, content, _LETTERS[format_])
                self._format, self._content = body.dump(data)
        except ConversionError as exc:
            raise SettingsError(f'data: it cannot be had as "{format_}": {exc}') from exc

    def data(self) -> Any:
        """The value, made anew: an event may change it."""
        return body.load(self._format, self._content, None)


def checked(value: Any, format_: Format) -> Iterable[Problem]:
    """What is wrong with a value as the parameter `data`."""
    try:
        Fixed(value, format_)
    except SettingsError as exc:
        yield Problem("data", str(exc).removeprefix("data: "))
