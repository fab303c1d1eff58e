"""Bytes that look like a message at first."""

from __future__ import annotations

from typing import Final

#: Maps in msgpack: one with text that is not UTF-8, and one with arrays in arrays in arrays.
MAPS: Final = (b"\x82\xa2id\xa1\xff\xa8endpoint\xa1\xff", b"\x81\xa1x" + b"\x91" * 100_000)
