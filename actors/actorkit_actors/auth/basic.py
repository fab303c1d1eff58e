"""HTTP Basic authentication (RFC 7617). `python -m actorkit_actors.auth.basic NAME` writes a line for `users`."""

from __future__ import annotations

import base64
import binascii
import getpass
import hashlib
import hmac
import os
import sys
from collections.abc import Iterable
from typing import Annotated, Final

import gevent
from msgspec import Meta

from actorkit import Actor, Event
from actorkit.errors import SettingsError, Unauthorized
from actorkit.params import Problem

#: Cost of a hash (RFC 7914): CPU and memory, block size, parallelism; 16 MiB and about 50 ms each.
SCRYPT_N: Final = 1 << 14
SCRYPT_R: Final = 8
SCRYPT_P: Final = 1

#: Most memory that checking one hash may take, in bytes.
_SCRYPT_MAXMEM_BYTES: Final = 64 << 20

#: How many verified passwords are remembered, so that only the first request with each pays for the hash.
CACHE_SIZE: Final = 4096

_PREFIX: Final = "scrypt$"


class BasicAuth(Actor):
    """Passes on what carries a known name and password, with the name as the event's `http.user`.

    Anything else fails with `Unauthorized` (401) and a `WWW-Authenticate` header for the answer. The credentials are
    taken off the event either way.
    """

    class Params(Actor.Params, frozen=True, kw_only=True):
        users: Annotated[
            str,
            Meta(
                description="a line `name:password` for each user; the password plain or hashed, "
                "as `python -m actorkit_actors.auth.basic NAME` writes it",
                extra={"secret": True, "file": True},
            ),
        ]
        realm: Annotated[str, Meta(description="what the password is for, as a browser shows it")] = "actorkit"
        concurrency: Annotated[
            int, Meta(ge=1, le=10_000, description="events that one instance works on at a time")
        ] = 64

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        try:
            parse_users(params.users)
        except SettingsError as exc:
            yield Problem("users", str(exc).removeprefix("users: "))

    def setup(self) -> None:
        """Read the users.

        Raises:
            SettingsError: a line is not `name:password`.
        """
        self._users = parse_users(self.params.users)
        realm = self.params.realm.replace("\\", "\\\\").replace('"', '\\"')
        self._challenge = ("WWW-Authenticate", f'Basic realm="{realm}", charset="UTF-8"')
        self._key = os.urandom(32)
        self._verified: dict[bytes, str] = {}
        hashed = [stored for stored in self._users.values() if stored.startswith(_PREFIX)]
        # An unknown name costs what a known one does, so that time does not tell which names there are.
        self._nobody = hashed[0] if hashed else os.urandom(16).hex()

    def consume(self, event: Event) -> Event:
        """Check the credentials.

        Raises:
            Unauthorized: they are missing or wrong.
        """
        header = event.http.headers.pop("authorization", "") if event.http is not None else ""
        user = self._user(header)
        if user is None:
            if event.http is not None:
                event.http.reply_headers.append(self._challenge)
            raise Unauthorized("the name or the password is wrong" if header else "a name and a password are required")
        if event.http is not None:
            event.http.user = user
        return event

    def _user(self, header: str) -> str | None:
        """The name of the user whose credentials the header carries; None when it carries none that are right."""
        credentials = parse_credentials(header)
        if credentials is None:
            return None
        digest = hashlib.blake2b(b"\0".join(credentials), key=self._key, digest_size=32).digest()
        if digest in self._verified:
            return self._verified[digest]
        name = credentials[0].decode("utf-8", "replace")
        stored = self._users.get(name)
        right = matches(credentials[1], self._nobody if stored is None else stored)
        if stored is None or not right:
            return None
        if len(self._verified) >= CACHE_SIZE:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = name
        return name


def parse_users(text: str) -> dict[str, str]:
    """Read lines of `name:password`; empty ones and those that begin with `#` are passed over.

    Raises:
        SettingsError: a line is none, or a hash is not one that this module writes.
    """
    users = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, password = line.partition(":")
        if not name or not colon or not password:
            raise SettingsError(f"users: line {number} is not name:password")
        if password.startswith(_PREFIX) and _parse_hash(password) is None:
            raise SettingsError(f"users: line {number} has a broken hash; write it anew")
        users[name] = password
    if not users:
        raise SettingsError("users: there are none; write a line name:password for each")
    return users


def parse_credentials(header: str) -> tuple[bytes, bytes] | None:
    """Name and password of an `Authorization` header (RFC 7617 §2); the password may hold colons."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(token.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (name, password) if colon and b"\0" not in name else None


def matches(password: bytes, stored: str) -> bool:
    """Whether a password is the stored one, plain or hashed; takes as long when it is not."""
    parsed = _parse_hash(stored)
    if parsed is None:
        return hmac.compare_digest(password, stored.encode())
    n, r, p, salt, expected = parsed
    # In a native thread: the hash would hold up everything else in this process.
    found: bytes = gevent.get_hub().threadpool.apply(_scrypt, (password, salt, n, r, p, len(expected)))
    return hmac.compare_digest(found, expected)


def hashed(password: bytes) -> str:
    """The hash of a password, as it stands in `users`: `scrypt$n$r$p$salt$hash`, salt and hash in base64."""
    salt = os.urandom(16)
    found = _scrypt(password, salt, SCRYPT_N, SCRYPT_R, SCRYPT_P, 32)
    salt_text, hash_text = (base64.b64encode(part).decode() for part in (salt, found))
    return f"{_PREFIX}{SCRYPT_N}${SCRYPT_R}${SCRYPT_P}${salt_text}${hash_text}"


def _parse_hash(stored: str) -> tuple[int, int, int, bytes, bytes] | None:
    if not stored.startswith(_PREFIX):
        return None
    try:
        n, r, p, salt, found = stored.removeprefix(_PREFIX).split("$")
        return int(n), int(r), int(p), base64.b64decode(salt, validate=True), base64.b64decode(found, validate=True)
    except ValueError:
        return None


def _scrypt(password: bytes, salt: bytes, n: int, r: int, p: int, length: int) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=_SCRYPT_MAXMEM_BYTES, dklen=length)


def main(arguments: list[str]) -> int:
    """Write the line of one user; the password is asked for, or read from standard input when that is no terminal."""
    if len(arguments) != 1 or ":" in arguments[0] or not arguments[0]:
        sys.stderr.write("usage: python -m actorkit_actors.auth.basic NAME\n")
        return 2
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not password:
        sys.stderr.write("The password is empty; nothing was written.\n")
        return 1
    sys.stdout.write(f"{arguments[0]}:{hashed(password.encode())}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
