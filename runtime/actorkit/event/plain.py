"""Which values can travel inside JSON data and attributes, and come out as what the documentation says.

The encoders write more than that without complaint: a set becomes a list, NaN becomes null, the key 1 becomes "1". Data
that does not come back as it went is looked over here, to say what in it is refused, and where.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import math
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

#: What is written as a text, and arrives as one.
AS_TEXT: Final = (
    datetime.datetime,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    decimal.Decimal,
    uuid.UUID,
)

#: Deepest nesting of attributes, and of the details of an error. Who gets them writes them again, maybe with less of
#: Python's stack left than who made them.
MAX_DEPTH: Final = 256


def is_too_deep(value: object) -> bool:
    """Whether a value that does not hold itself is nested more than `MAX_DEPTH` deep."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list | tuple)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def refusal(data: object) -> str:
    """What cannot stand inside JSON, and where: `data["a"][0] is a set`; "" when all of it can."""
    return next(_search("data", data, attributes=False), "")


def attribute_refusal(attributes: Mapping[str, Any]) -> str:
    """The same for attributes, which carry bytes, NaN, and keys that are numbers or None, as they are."""
    return next(_search("attributes", attributes, attributes=True), "")


def _search(name: str, value: object, attributes: bool) -> Iterator[str]:
    keys = (str, int, float, bytes, type(None)) if attributes else str
    waiting, seen = [(name, value)], set[int]()
    while waiting:
        where, one = waiting.pop()
        if one is None or isinstance(one, (str, *AS_TEXT)) or id(one) in seen:
            continue
        seen.add(id(one))  # Data may hold itself.
        if isinstance(one, int):
            if attributes and not -(1 << 63) <= one < 1 << 64:
                yield f"{where} is a whole number of more than 64 bits; use a text"
        elif isinstance(one, float):
            if not attributes and not math.isfinite(one):
                yield f"{where} is {one}, which JSON has no number for; use null or a text"
        elif isinstance(one, Mapping):
            for key, inner in one.items():
                if not isinstance(key, keys):
                    yield f"{where} has the key {key!r:.60}, of the type {type(key).__name__}; use a text"
                waiting.append((f"{where}[{key!r:.60}]", inner))
        elif isinstance(one, list | tuple):
            waiting.extend((f"{where}[{number}]", inner) for number, inner in enumerate(one))
        elif isinstance(one, enum.Enum):
            waiting.append((where, one.value))
        elif isinstance(one, bytes | bytearray | memoryview):
            if not attributes:
                yield f"{where} is {type(one).__name__}; use a text, base64 for instance"
        elif (fields := _fields(one)) is not None:
            waiting.extend((f"{where}.{field}", getattr(one, field)) for field in fields)
        else:
            yield f"{where} is of the type {type(one).__name__}; {_INSTEAD.get(type(one), 'use JSON-like values')}"


_INSTEAD: Final[dict[type, str]] = {set: "use a list", frozenset: "use a list"}


def _fields(value: object) -> tuple[str, ...] | None:
    if isinstance(value, msgspec.Struct):
        return value.__struct_fields__
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return tuple(field.name for field in dataclasses.fields(value))
    return None
