"""The process that runs a jq program: `python -m actorkit_actors.json.jq_process PROGRAM MEMORY_BYTES MAX_OUTPUTS`.

It reads `length (4 bytes, big-endian), JSON` from standard input and answers `kind (1 byte), length, text`: `o` with a
JSON list of what the program made, `e` with what it complains about. Whoever began it ends it when it takes too long.
It opens no file and has no environment.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import resource
import struct
import sys
from typing import BinaryIO, Final

import jq

LENGTH: Final = struct.Struct(">I")


def main() -> None:
    """Answer until standard input ends."""
    program, memory_bytes, most = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.environ.clear()
    read, write = sys.stdin.buffer, sys.stdout.buffer
    try:
        compiled = jq.compile(program)
        # What follows is the program's: no memory without end, no file.
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except ValueError as exc:
        _say(write, b"e", str(exc))
        return
    _say(write, b"o", "[]")
    with contextlib.suppress(BrokenPipeError):
        while len(head := read.read(LENGTH.size)) == LENGTH.size:
            text = read.read(LENGTH.unpack(head)[0]).decode()
            try:
                found = list(itertools.islice(iter(compiled.input_text(text)), most + 1))
                _say(write, b"o", json.dumps(found, allow_nan=False))
            except (ValueError, StopIteration, RecursionError, MemoryError) as exc:
                _say(write, b"e", str(exc) or type(exc).__name__)


def _say(write: BinaryIO, kind: bytes, text: str) -> None:
    content = text.encode("utf-8", "backslashreplace")
    write.write(kind + LENGTH.pack(len(content)) + content)
    write.flush()


if __name__ == "__main__":
    main()
