"""`python -m actorkit.observe.scale HOST:PORT...`: ask admin servers how much work waits. `kit` runs it in a container.

One JSON object on stdout: for each of them that answers, what its `/scale` says.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Final

import msgspec

from actorkit.observe.fetch import fetch

#: How many are asked at a time.
AT_A_TIME: Final = 32


def ask(address: str) -> dict[str, int] | None:
    """What waits, by name, as the admin server at `host:port` says; None where it does not."""
    page = fetch(address, "/scale")
    try:
        return msgspec.json.decode(page.body, type=dict[str, int]) if page and page.status == HTTPStatus.OK else None
    except (UnicodeError, RecursionError, msgspec.MsgspecError):
        return None


def ask_all(addresses: list[str]) -> dict[str, dict[str, int]]:
    """The same of several, by address; those that do not answer are left out."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        found = pool.map(ask, addresses)
        return {address: told for address, told in zip(addresses, found, strict=True) if told is not None}


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(ask_all(sys.argv[1:])) + b"\n")
