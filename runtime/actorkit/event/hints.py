"""Types and lists in XML: the attributes `json_type` and `force_list`, which XML by itself has no way to tell.

    <order><total json_type="float">12.5</total><item force_list="true">tea</item></order>

is `{"order": {"total": 12.5, "item": ["tea"]}}`. `read` takes the attributes off the JSON value that XML became,
`write` puts them into one that is to become XML; docs/events.md tells the little that does not come back as it was.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

_TYPE: Final = "@json_type"
_LIST: Final = "@force_list"
_TEXT: Final = "#text"

_INT: Final = re.compile(r"[+-]?\d{1,4299}\Z", re.ASCII)
_FLOAT: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)


def _int(text: str) -> Any:
    return int(text) if _INT.match(text) else text


def _float(text: str) -> Any:
    if not _FLOAT.match(text):
        return text
    value = float(text)
    return value if math.isfinite(value) else text


def _currency(text: str) -> Any:
    if not _FLOAT.match(text):
        return text
    try:
        value = float(Decimal(text).quantize(Decimal("0.01")))
    except InvalidOperation:  # more digits than money has
        return text
    return value if math.isfinite(value) else text


def _bool(text: str) -> Any:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)


_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "str": str,
    "int": _int,
    "float": _float,
    "currency": _currency,
    "bool": _bool,
}


def read(value: Any) -> Any:
    """A JSON value that was XML, with its hints followed. A text that is not of its type stays a text; an empty element
    with the type `str` is the empty text. The value is not changed."""
    if isinstance(value, list):
        return [read(one) for one in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for name, inner in value.items():
        if name in (_TYPE, _LIST):
            continue
        forced = isinstance(inner, dict) and _LIST in inner
        result = read(inner)
        found[name] = [result] if forced else result
    converter = _READ.get(value[_TYPE]) if _TYPE in value else None
    if set(found) <= {_TEXT} and (_TYPE in value or _LIST in value):
        text = found.get(_TEXT)
        if text is None:
            return "" if value.get(_TYPE) == "str" else None
        return converter(text) if converter else text
    return found


def write(value: Any) -> Any:
    """A JSON value with the hints that it needs to come back from XML as it is. The value is not changed."""
    if isinstance(value, dict):
        return {name: _child(name, inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_element(one) for one in value]
    return value


def _child(name: str, value: Any) -> Any:
    if name.startswith(("@", "#")):
        return value
    if isinstance(value, list | tuple):
        inner = [_element(one) for one in value]
        if len(inner) == 1 and not isinstance(value[0], list | tuple):
            one = inner[0]
            return [{**(one if isinstance(one, dict) else _texts(one)), _LIST: "true"}]
        return inner
    return _element(value)


def _texts(value: Any) -> dict[str, Any]:
    return {} if value is None else {_TEXT: value}


def _element(value: Any) -> Any:
    """What stands for the inside of an element."""
    if isinstance(value, dict | list | tuple):
        return write(value)
    if isinstance(value, bool):
        return {_TYPE: "bool", _TEXT: "true" if value else "false"}
    if isinstance(value, int):
        return {_TYPE: "int", _TEXT: str(value)}
    if isinstance(value, float):
        return {_TYPE: "float", _TEXT: repr(value)}
    return {_TYPE: "str"} if value == "" else value
