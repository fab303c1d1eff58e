"""`python -m actorkit.observe.scale HOST:PORT...`: ask admin servers how much work waits. `kit` runs it in a container.

One JSON object on stdout: for each of them that answers, what its `/scale` says.
"""

from __future__ import annotations

import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import Final

import msgspec

#: Longest wait for one of them, in seconds, and how many are asked at a time.
PATIENCE_S: Final = 2.0
AT_A_TIME: Final = 32

#: Asks without the proxy that the environment may name.
_DIRECTLY: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(address: str) -> dict[str, int] | None:
    """What waits, by name, as the admin server at `host:port` says; None where it does not."""
    try:
        with _DIRECTLY.open(f"http://{address}/scale", timeout=PATIENCE_S) as answer:
            return msgspec.json.decode(answer.read(), type=dict[str, int])
    except (OSError, HTTPException, UnicodeError, RecursionError, msgspec.MsgspecError):
        return None


def ask_all(addresses: list[str]) -> dict[str, dict[str, int]]:
    """The same of several, by address; those that do not answer are left out."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        found = pool.map(ask, addresses)
        return {address: told for address, told in zip(addresses, found, strict=True) if told is not None}


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(ask_all(sys.argv[1:])) + b"\n")
