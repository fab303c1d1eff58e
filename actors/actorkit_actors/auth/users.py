"""The file of users: a line `name:password` for each, the password plain or hashed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from actorkit_actors.auth import hashes
from actorkit_actors.auth.hashes import Hash

#: How to write a line that can be read.
WRITE: Final = "write it with: python -m actorkit_actors.auth.basic_auth NAME"


@dataclass
class Users:
    """Names with their passwords, and what is wrong with the file, line by line."""

    plain: dict[str, str] = field(default_factory=dict)
    hashed: dict[str, Hash] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)


def parse(text: str) -> Users:
    """Read a file of users. A byte order mark and CRLF are taken off; empty lines, and those that begin with `#`, are
    passed over. A mistake never quotes what may be a password."""
    users, lines = Users(), dict[str, int]()
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        line = line.removesuffix("\r")
        if not line.strip() or line.startswith("#"):
            continue
        name, _, password = line.partition(":")
        mistake = _mistake(name, password)
        if name in lines and not mistake:
            mistake = f"names a user of line {lines[name]} again; remove one of them"
        if mistake:
            users.mistakes.append(f"line {number} {mistake}")
            continue
        lines[name] = number
        parsed = hashes.parse(password)
        if parsed is not None:
            users.hashed[name] = parsed
        else:
            users.plain[name] = password
    if not lines and not users.mistakes:
        users.mistakes.append("there are none; write a line name:password for each")
    return users


def _mistake(name: str, password: str) -> str:
    if not name or not password:
        return "is not name:password"
    kind = hashes.foreign(password)
    if kind:
        return f"has a hash of another kind ({kind}), which would be taken for the password itself; {WRITE}"
    if hashes.is_ours(password) and hashes.parse(password) is None:
        return f"has a broken hash, or one that takes more than {hashes.MAX_HASH_BYTES >> 20} MiB; {WRITE}"
    if any(ord(character) < 32 for character in name + password):
        return "has a control character; save the file as text with one user a line"
    return ""
