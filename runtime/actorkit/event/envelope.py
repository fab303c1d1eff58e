"""The envelope `{"data": …}` around JSON answers."""

from __future__ import annotations

from typing import Any, Final

_DATA: Final = "data"


def wrap(value: Any) -> dict[str, Any]:
    """A JSON value in its envelope. An object whose only key is `data` is an envelope already."""
    return value if _is_wrapped(value) else {_DATA: value}


def unwrap(value: Any) -> Any:
    """What is in an envelope; what is none stays as it is."""
    return value[_DATA] if _is_wrapped(value) else value


def _is_wrapped(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and _DATA in value
