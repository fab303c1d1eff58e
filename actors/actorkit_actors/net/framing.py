"""Where a message ends in a stream of bytes. No sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from actorkit import Actor
from actorkit.errors import MalformedEvent
from actorkit.event.parcel import MAX_BODY_BYTES


class FramingParams(Actor.Params, frozen=True, kw_only=True):
    """Parameters that tell how messages are told apart."""

    framing: Annotated[
        Literal["line", "length", "delimiter"],
        Meta(description="how messages are told apart: by line feeds, by their length in front, by `delimiter`"),
    ] = "line"
    delimiter: Annotated[str, Meta(min_length=1, description="text that ends a message, with framing: delimiter")] = (
        "\0"
    )
    length_bytes: Annotated[
        Literal[1, 2, 4, 8],
        Meta(description="bytes of the length in front, highest byte first, with framing: length"),
    ] = 4
    max_event_bytes: Annotated[
        int, Meta(ge=1, le=MAX_BODY_BYTES, description="longest message; a peer that sends a longer one is let go")
    ] = 1 << 20


class TooLong(Exception):
    """Raised when a message is longer than allowed."""


class Framing:
    """Makes messages of the bytes of one connection, and bytes of messages."""

    def __init__(self, params: FramingParams) -> None:
        self._length = params.length_bytes if params.framing == "length" else 0
        self._line = params.framing == "line"
        self._end = b"\n" if self._line else params.delimiter.encode()
        self._max_bytes = params.max_event_bytes
        self._rest = bytearray()
        #: Up to where no end is in the rest.
        self._searched = 0

    @property
    def incomplete(self) -> int:
        """How many bytes of a message are there whose end is not."""
        return len(self._rest)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that are complete with these bytes. To be advanced to its end.

        Raises:
            TooLong: a message is longer than allowed; nothing can be read behind it.
        """
        self._rest += data
        yield from self._by_length() if self._length else self._by_end()

    def _by_length(self) -> Iterator[bytes]:
        while len(self._rest) >= self._length:
            size = int.from_bytes(self._rest[: self._length], "big")
            if size > self._max_bytes:
                raise TooLong(f"a message of {size} bytes is longer than {self._max_bytes}")
            end = self._length + size
            if len(self._rest) < end:
                return
            message = bytes(self._rest[self._length : end])
            del self._rest[:end]
            yield message

    def _by_end(self) -> Iterator[bytes]:
        begin = 0
        try:
            while (at := self._rest.find(self._end, max(begin, self._searched))) >= 0:
                message = bytes(self._rest[begin:at])
                begin = at + len(self._end)
                self._searched = 0
                self._check(len(message))
                yield message.removesuffix(b"\r") if self._line else message
        finally:
            del self._rest[:begin]
        self._check(len(self._rest) - len(self._end) + 1)
        self._searched = max(0, len(self._rest) - len(self._end) + 1)

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            raise TooLong(f"a message is longer than {self._max_bytes} bytes")

    def frame(self, message: bytes) -> bytes:
        """The bytes of a message.

        Raises:
            MalformedEvent: it is too long, or has in it what ends a message.
        """
        if len(message) > self._max_bytes:
            raise MalformedEvent(f"a message of {len(message)} bytes is longer than {self._max_bytes}")
        if not self._length:
            if self._end in message:
                raise MalformedEvent(f"the message has {self._end!r} in it, which ends a message; take framing: length")
            return message + self._end
        if len(message) >= 1 << (8 * self._length):
            raise MalformedEvent(f"a length of {len(message)} does not fit into {self._length} bytes")
        return len(message).to_bytes(self._length, "big") + message
