"""Writes events into frames, over frames that were sent before. No sockets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from actorkit.edge import wire
from actorkit.event.parcel import Parcel

#: How many frames that were sent are kept, so that later ones are written over them.
MAX_SPARE: Final = 8

#: Looks at the events of a frame that was written.
Seen: TypeAlias = Callable[[Sequence[Parcel]], None]


class BatchWriter:
    """Makes one frame of some events.

    Attributes:
        most: the most events of a frame at present: few at first, and where bodies are long.
        mean_bytes: length of the events of the last frame, on average.
    """

    def __init__(self) -> None:
        self.most = 8
        self.mean_bytes = 0
        self._spare: list[bytearray] = []

    def write(self, first: int, parcels: list[Parcel], redelivered: bool, now_ms: int | None) -> bytearray | None:
        """The frame of these events, whose numbers begin with `first`. None when it gets too long: then each half is to
        be written by itself, and later frames have fewer events. `now_ms` is the clock where somebody waits."""
        frame = self._spare.pop() if self._spare else bytearray()
        if now_ms is None:
            wire.encode_into(wire.Outgoing(first, parcels, redelivered), frame)
        else:
            wire.encode_into(wire.OutgoingRequests(first, parcels, redelivered, now_ms), frame)
        count, length = len(parcels), len(frame)
        if length > wire.MAX_BATCH_BYTES and count > 1:
            self.most = count // 2
            return None
        if self.most < wire.MAX_BATCH and length * 4 < wire.MAX_BATCH_BYTES:
            self.most *= 2
        self.mean_bytes = length // count
        return frame

    def watch(self, seen: tuple[Seen, ...]) -> None:
        """Have these look at each frame's events from now on; without any of them it costs nothing."""

        def write(first: int, parcels: list[Parcel], redelivered: bool, now_ms: int | None) -> bytearray | None:
            frame = BatchWriter.write(self, first, parcels, redelivered, now_ms)
            for look in seen if frame is not None else ():
                look(parcels)
            return frame

        if seen:
            self.write = write  # type: ignore[method-assign]  # that is how it costs nothing otherwise
        else:
            del self.write

    def reuse(self, frame: bytes | bytearray) -> None:
        """A frame has been sent, and nobody reads it any more."""
        if type(frame) is bytearray and len(self._spare) < MAX_SPARE and len(frame) <= wire.MAX_BATCH_BYTES:
            self._spare.append(frame)
