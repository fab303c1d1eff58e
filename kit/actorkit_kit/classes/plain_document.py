"""A Director's document as plain values: a program may put anything into it, and a topology holds what JSON has."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any, Final

from actorkit_kit.bounds import HALF_A_PAIR, MAX_DEPTH, MAX_INTEGER, NOT_FINITE, TOO_DEEP, TOO_LARGE

#: Where something is in a document: keys and, in lists, indexes.
Location = tuple[str | int, ...]
#: Keys that JSON writes in its own way.
_KEYS: Final = {None: "null", True: "true", False: "false"}
#: The longest name of a type in a message, in characters.
_LONGEST_NAME: Final = 60


class PlainDocument:
    """Makes plain values of others. `mistakes` are the values that nothing can be made of: location and message.

    Paths are texts, bytes are base64, as in a topology file, and members of an Enum are their values.
    """

    def __init__(self, document: Mapping[Any, Any]) -> None:
        self.mistakes: list[tuple[Location, str]] = []
        self.content: Any = self._plain(document, ())

    def _plain(self, value: Any, location: Location) -> Any:
        if isinstance(value, Enum):
            value = value.value
        if isinstance(value, Mapping | list | tuple) and len(location) >= MAX_DEPTH:
            return self._mistake(location, TOO_DEEP)
        if isinstance(value, Mapping):
            return self._mapping(value, location)
        if isinstance(value, list | tuple):
            return [self._plain(item, (*location, index)) for index, item in enumerate(value)]
        return self._scalar(value, location)

    def _mapping(self, value: Mapping[Any, Any], location: Location) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in value.items():
            name = self._key(key, location)
            if name is None:
                continue
            if name in found:
                self._mistake((*location, name), f'the key "{name}" stands here twice. Remove one of them.')
            else:
                found[name] = self._plain(item, (*location, name))
        return found

    def _key(self, key: Any, location: Location) -> str | None:
        if isinstance(key, str):
            return self._text(key, location)
        if key is None or isinstance(key, bool | int | float):
            return _KEYS[key] if key is None or isinstance(key, bool) else self._text(str(key), location)
        self._mistake(location, f'a key must be a text, and this is of the type "{_type(key)}".')
        return None

    def _scalar(self, value: Any, location: Location) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            number = int(value)
            return number if abs(number) <= MAX_INTEGER else self._mistake(location, TOO_LARGE)
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else self._mistake(location, NOT_FINITE)
        if isinstance(value, bytes):
            return base64.b64encode(value).decode()
        if isinstance(value, str | PurePath):
            return self._text(str(value), location)
        message = f'this is of the type "{_type(value)}", which no topology can hold.'
        return self._mistake(location, f"{message} Give a text, a number, a list or a mapping.")

    def _text(self, text: str, location: Location) -> str | None:
        try:
            text.encode()
        except UnicodeEncodeError:
            self._mistake(location, HALF_A_PAIR)
            return None
        return "".join(text)

    def _mistake(self, location: Location, message: str) -> None:
        self.mistakes.append((location, message))


def _type(value: object) -> str:
    return type(value).__name__[:_LONGEST_NAME].encode(errors="backslashreplace").decode()
