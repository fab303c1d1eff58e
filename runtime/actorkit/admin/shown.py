"""An event for whoever has the token: its head with the attributes and, where it is asked for, its body."""

from __future__ import annotations

import base64
from typing import Any, Final

from actorkit.event.parcel import Parcel
from actorkit.host.heads import head_of

#: How much of a body is shown, in bytes, where nobody asks for all of it.
MAX_SHOWN_BYTES: Final = 64 << 10


def show(parcel: Parcel, most_bytes: int = MAX_SHOWN_BYTES, *, body: bool = True) -> dict[str, Any]:
    """The event as JSON has it. Its body is text where it is UTF-8, else base64; `cut` where more of it is there."""
    shown = head_of(parcel, attributes=True)
    if not body:
        return shown
    content = parcel.body[:most_bytes]
    if len(content) < len(parcel.body):
        shown["cut"] = True
    try:
        # A letter that the cut has halved is left out.
        text = content.decode() if "cut" not in shown else _whole_letters(content)
    except UnicodeDecodeError:
        return {**shown, "body": {"base64": base64.b64encode(content).decode()}}
    return {**shown, "body": {"text": text}}


def _whole_letters(content: bytes) -> str:
    text = content.decode(errors="ignore")
    if len(content) - len(text.encode()) > 3:  # more than the rest of one letter: it is no text
        content.decode()
    return text
