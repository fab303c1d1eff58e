"""Takes from shared libraries what only debuggers and linkers read. There is no `strip` in the image that builds.

What is loaded is told by the program headers; the sections of symbols and debug information lie behind it, and the
table of sections after them (System V ABI, ELF-64 object file format, §§ 1, 5).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

#: The first bytes of a 64-bit little-endian file.
_MAGIC: Final = b"\x7fELF\x02\x01"
#: Offsets in the header: where program headers begin; where the section table begins; size of the first, number of
#: them; size of a section header, number of them, and which one holds names.
_PHOFF: Final = 32
_SHOFF: Final = 40
_PHENTSIZE: Final = 54
_SHNUM: Final = 60
#: Offsets in a program header: where its bytes begin in the file, and how many they are.
_P_OFFSET: Final = 8
_P_FILESZ: Final = 32


def strip(path: Path) -> int:
    """Shorten a library to what is loaded; the number of bytes saved, 0 for what is no such file."""
    data = bytearray(path.read_bytes())
    if not data.startswith(_MAGIC):
        return 0
    (table,) = struct.unpack_from("<Q", data, _PHOFF)
    size, count = struct.unpack_from("<HH", data, _PHENTSIZE)
    end: int = table + size * count
    for header in range(table, end, size):
        (offset,) = struct.unpack_from("<Q", data, header + _P_OFFSET)
        (length,) = struct.unpack_from("<Q", data, header + _P_FILESZ)
        end = max(end, offset + length)
    struct.pack_into("<Q", data, _SHOFF, 0)
    struct.pack_into("<HH", data, _SHNUM, 0, 0)
    path.write_bytes(data[:end])
    return len(data) - end
