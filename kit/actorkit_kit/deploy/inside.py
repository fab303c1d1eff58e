"""A page of an admin server, fetched by a command inside its own container: that way is open wherever it runs."""

from __future__ import annotations

from typing import Final

from actorkit_kit.plan.model import ADMIN_PORT

#: Opens a connection to the admin server.
CONNECT: Final = f"exec 3<>/dev/tcp/127.0.0.1/{ADMIN_PORT} || exit 1"
_SCRIPT: Final = CONNECT + '; printf "GET %s HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n" "$0" >&3; cat <&3'


def fetch_command(path: str) -> list[str]:
    """What writes the answer for a page, head and all, without an interpreter's start."""
    return ["bash", "-c", _SCRIPT, path]


def read_answer(answer: bytes) -> tuple[int, bytes] | None:
    """The status and the body of an answer; None where it is none."""
    head, sign, body = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    return (int(words[1]), body) if sign and words[1:] and words[1].isdigit() else None
