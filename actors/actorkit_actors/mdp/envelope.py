"""How an event travels through a MajorDomo broker between actorkit's own client and worker.

    [MAGIC + format letter, body, context (msgpack of `actorkit.event.context.PortableContext`)]

Anything else is a plain body: all frames of it together are the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from actorkit.errors import ConversionError
from actorkit.event import Event, body
from actorkit.event.context import PortableContext, decode_portable_context

#: Begins the first frame of an envelope.
MAGIC: Final = b"AKE1"

#: What a plain body is read as.
Plain = Literal["bytes", "text", "json", "xml"]

_LETTERS: Final = {"bytes": body.BYTES, "text": body.TEXT, "json": body.JSON, "xml": body.XML}
_KNOWN: Final = frozenset((body.NOTHING, body.FORM, *_LETTERS.values()))


def pack(event: Event, left_s: float | None = None) -> list[bytes]:
    """The envelope of an event, whose answer is waited for so long."""
    format_, content = event.encoded()
    return [MAGIC + format_.encode(), content, event.portable_context(left_s)]


def is_packed(frames: Sequence[bytes]) -> bool:
    """Whether frames are an envelope."""
    return len(frames) == 3 and frames[0].startswith(MAGIC) and len(frames[0]) == len(MAGIC) + 1


def read_body(frames: Sequence[bytes], plain: Plain) -> tuple[str, bytes]:
    """The body as (format, bytes).

    Raises:
        ConversionError: an envelope has a format that nobody knows.
    """
    if not is_packed(frames):
        return _LETTERS[plain], b"".join(frames)
    format_ = frames[0][len(MAGIC) :].decode("latin-1")
    if format_ not in _KNOWN:
        raise ConversionError(f'the body has the unknown format "{format_}"; is the sender of a newer version?')
    return format_, frames[1]


def read_context(frames: Sequence[bytes]) -> PortableContext:
    """The context in an envelope; a new one for a plain body.

    Raises:
        ConversionError: it cannot be read.
    """
    return decode_portable_context(frames[2]) if is_packed(frames) else PortableContext()
