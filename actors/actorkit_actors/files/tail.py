"""One file that is read on as it grows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from actorkit_actors.files.progress import HEAD_BYTES, Reading, digest

#: How much is read at once, in bytes.
CHUNK_BYTES: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class Piece:
    """What becomes an event: `begin` and `end` are bytes of the file. `cut` tells that the line goes on."""

    content: bytes
    begin: int
    end: int
    cut: bool = False


class Tail:
    """A file that is open: it is read from `at` on, and goes on after it was renamed or deleted.

    Attributes:
        at: the first byte that is in no piece yet.
        done: up to where it is finished.
        size: how long it was at the last look, and since when, by the clock of who looks.
        since: as above.
        gone: whether it is where it was no longer.
    """

    def __init__(self, descriptor: int, reading: Reading, max_bytes: int, now: float) -> None:
        self.reading = reading
        self.path = reading.path
        self.at = self.done = reading.done
        self.size = -1
        self.since = now
        self.gone = False
        self._descriptor = descriptor
        self._max_bytes = max_bytes
        self._head_bytes = reading.head_bytes
        self._head = reading.head

    def __repr__(self) -> str:
        return f"<Tail of {self.path}: at {self.at}, finished to {self.done}{', gone' if self.gone else ''}>"

    def close(self) -> None:
        if not self.asleep:
            os.close(self._descriptor)
            self._descriptor = -1

    #: To be closed for now, as there are too many.
    sleep = close

    @property
    def asleep(self) -> bool:
        """Whether it is closed."""
        return self._descriptor < 0

    def wake(self, descriptor: int) -> None:
        """Go on with the same file, opened again."""
        self._descriptor = descriptor

    def lose(self, now: float) -> None:
        """The file is not where it was."""
        if not self.gone:
            self.gone, self.since = True, now

    def look(self, now: float) -> bool:
        """Whether the file is still what was read: not cut, and not written anew."""
        size = os.fstat(self._descriptor).st_size
        if size != self.size:
            self.size, self.since = size, now
        return size >= self.at and is_same(self._descriptor, self._head_bytes, self._head)

    @property
    def is_read(self) -> bool:
        """Whether everything that was there at the last look is in pieces."""
        return self.at >= self.size

    def grown_head(self) -> bytes | None:
        """The file's beginning, when more of it is there than is known; it is known from then on."""
        if self._head_bytes >= HEAD_BYTES or self.size <= self._head_bytes:
            return None
        head = os.pread(self._descriptor, HEAD_BYTES, 0)
        self._head_bytes, self._head = len(head), digest(head)
        return head

    def lines(self) -> Iterator[Piece]:
        """The lines that are complete, one after the other; longer ones than allowed in parts."""
        wanted = CHUNK_BYTES
        while chunk := os.pread(self._descriptor, wanted, self.at):
            last = chunk.rfind(b"\n")
            if last >= 0:
                for line in chunk[:last].split(b"\n"):
                    yield from self._line(line)
            elif len(chunk) > self._max_bytes:
                yield self._piece(chunk[: self._max_bytes], self._max_bytes, cut=True)
            elif len(chunk) == wanted:
                wanted *= 2
                continue
            if len(chunk) < wanted:
                return
            wanted = CHUNK_BYTES

    def _line(self, line: bytes) -> Iterator[Piece]:
        while len(line) > self._max_bytes:
            yield self._piece(line[: self._max_bytes], self._max_bytes, cut=True)
            line = line[self._max_bytes :]
        yield self._piece(line.removesuffix(b"\r"), len(line) + 1)

    def rest(self) -> Iterator[Piece]:
        """The last line, which has no end."""
        while chunk := os.pread(self._descriptor, self._max_bytes, self.at):
            yield self._piece(chunk, len(chunk), cut=len(chunk) == self._max_bytes)

    def whole(self) -> Iterator[Piece]:
        """All that was there at the last look."""
        if self.at < self.size:
            parts = []
            at = 0
            while at < self.size and (part := os.pread(self._descriptor, self.size - at, at)):
                parts.append(part)
                at += len(part)
            self.at = 0
            yield self._piece(b"".join(parts), self.size)

    def _piece(self, content: bytes, length: int, cut: bool = False) -> Piece:
        begin = self.at
        self.at += length
        return Piece(content, begin, self.at, cut)


def is_same(descriptor: int, head_bytes: int, head: bytes) -> bool:
    """Whether a file begins as it did."""
    return digest(os.pread(descriptor, head_bytes, 0)) == head
