"""What a document may hold at most, whoever wrote it: a file, or a Director."""

from __future__ import annotations

from typing import Final

#: The most values that a file may have after its aliases are resolved.
MAX_VALUES: Final = 300_000
#: How deep values may be nested, aliases resolved: what reads and writes them recurses.
MAX_DEPTH: Final = 100
#: Integers have 64 bits: most readers of JSON take no larger ones.
MAX_INTEGER: Final = 2**63 - 1

TOO_DEEP: Final = f"values are nested here more than {MAX_DEPTH} deep. Write them flatter."
TOO_LARGE: Final = "this number has more than 64 bits. Write a smaller one, or a text."
NOT_FINITE: Final = "this is not a finite number. Write another."
HALF_A_PAIR: Final = "this text holds half of a surrogate pair. Write the character itself."
