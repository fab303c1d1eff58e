"""Names of files that events give."""

from __future__ import annotations

import re
from typing import Final

from actorkit import Event
from actorkit.errors import MalformedEvent

#: What stands for something of the event in a name.
FIELD: Final = re.compile(r"\{([^{}]*)\}")
#: The longest name, in bytes: that of Linux, less what a name beside it needs.
MAX_BYTES: Final = 240


def name_for(template: str, event: Event) -> str:
    """The name of an event's file: `{key}` stands for its key, `{x}` for its attribute `x`.

    Raises:
        MalformedEvent: it has no such attribute, or what comes of it is no plain name.
    """

    def value(match: re.Match[str]) -> str:
        field = match[1]
        found = event.key if field == "key" else event.get(field)
        if found is None or isinstance(found, bytes | list | dict):
            raise MalformedEvent(f'the event has no attribute "{field}" that a name of a file can be made of')
        return str(found)

    name = FIELD.sub(value, template)
    if reason := refusal(name):
        raise MalformedEvent(f"{name[:100]!r} is not taken as the name of a file: {reason}")
    return name


def refusal(name: str) -> str:
    """Why something is no plain name in a folder; "" where it is one."""
    if not name or name.startswith("."):
        return "it is empty, or begins with a dot"
    if "/" in name or "\\" in name:
        return "it has a slash"
    if not name.isprintable():
        return "it has control characters"
    if len(name.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return f"it is longer than {MAX_BYTES} bytes"
    return ""
