"""What the counting source and the counting sink write down: fixed records, appended, read after the end.

A file survives whoever is killed while writing it; the trace of an event survives whatever actors make of its data.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: An event that was made: its trace, and when (CLOCK_MONOTONIC, the same for all processes), in nanoseconds.
MADE: Final = struct.Struct("<QQ")
#: An event that arrived: its trace, its id, when, and 1 where it came with a failure.
SEEN: Final = struct.Struct("<QQQB")


@dataclass(frozen=True)
class Made:
    """An event that the source made."""

    trace: int
    at_ns: int


@dataclass(frozen=True)
class Seen:
    """An event that arrived at a sink. `id` is the same when it arrives once more."""

    trace: int
    id: int
    at_ns: int
    failed: bool


def read_made(path: Path) -> Iterator[Made]:
    """Everything that a source made."""
    return (Made(*values) for values in _read(path, MADE))


def read_seen(path: Path) -> Iterator[Seen]:
    """Everything that a sink saw, in order."""
    return (Seen(trace, id_, at_ns, bool(failed)) for trace, id_, at_ns, failed in _read(path, SEEN))


def _read(path: Path, form: struct.Struct) -> Iterator[tuple[int, ...]]:
    """Whole records; nothing where there is no file yet."""
    content = path.read_bytes() if path.exists() else b""
    return form.iter_unpack(content[: len(content) // form.size * form.size])
