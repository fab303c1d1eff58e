"""Hashes of passwords: scrypt (RFC 7914), written as PHC strings.

$scrypt$ln=14,r=8,p=1$SALT$HASH        salt and hash in base64 without padding
scrypt$16384$8$1$SALT$HASH             as earlier versions wrote it; it is still read
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

#: Most memory that one hash may take, in bytes.
MAX_HASH_BYTES: Final = 64 << 20

#: Salt and length in bytes of the hashes that are computed only so that every refusal takes as long.
_SALT: Final = b"nobody's, really"
_LENGTH: Final = 32

#: Most that `p` may be: it costs time and no memory.
_MAX_P: Final = 16

_PHC = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,4}),p=(\d{1,4})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)\Z")
_OLD = re.compile(r"scrypt\$(\d{1,10})\$(\d{1,4})\$(\d{1,4})\$([A-Za-z0-9+/]+=*)\$([A-Za-z0-9+/]+=*)\Z")

#: What hashes of other programs begin with, and their names: htpasswd, crypt(3), LDAP (RFC 2307).
_FOREIGN: Final = (
    (re.compile(r"\$2[abxy]?\$"), "bcrypt"),
    (re.compile(r"\$apr1\$"), "Apache MD5"),
    (re.compile(r"\$[156]\$"), "crypt"),
    (re.compile(r"\$argon2(id|i|d)\$"), "Argon2"),
    (re.compile(r"\{[A-Z][A-Z0-9-]*\}"), "LDAP"),
    (re.compile(r"\$[a-z0-9-]+\$"), "PHC"),
)


@dataclass(frozen=True, order=True)
class Cost:
    """What one hash costs: 2**ln steps over blocks of 128 r bytes, p times. The default takes 16 MiB and some 50 ms."""

    ln: int = 14
    r: int = 8
    p: int = 1

    @property
    def memory_bytes(self) -> int:
        """How much memory it takes while it is computed."""
        return 128 * self.r * ((1 << self.ln) + self.p + 2)

    @property
    def valid(self) -> bool:
        """Whether scrypt can be asked for it, and may."""
        return self.ln >= 1 and self.r >= 1 and 1 <= self.p <= _MAX_P and self.memory_bytes <= MAX_HASH_BYTES

    def hash(self, password: bytes, salt: bytes, length: int = _LENGTH) -> bytes:
        """Compute it. It holds no lock of Python's, so that threads compute several at a time."""
        return hashlib.scrypt(
            password, salt=salt, n=1 << self.ln, r=self.r, p=self.p, maxmem=MAX_HASH_BYTES + (1 << 20), dklen=length
        )


@dataclass(frozen=True)
class Hash:
    """A hash as it stands in a file."""

    cost: Cost
    salt: bytes
    digest: bytes


#: Computes a hash at a cost, of a password and a salt, of so many bytes.
Compute = Callable[[Cost, bytes, bytes, int], bytes]


class Hashed:
    """The hashed passwords of some users. A wrong one costs one hash of each kind that there is, whoever's it is: time
    does not tell which names there are.

    Attributes:
        costs: of the hashes, each once.
    """

    def __init__(self, by_name: Mapping[str, Hash], compute: Compute = Cost.hash) -> None:
        self._by_name = by_name
        self._compute = compute
        self.costs = sorted({stored.cost for stored in by_name.values()})

    def right(self, name: str, password: bytes) -> bool:
        """Whether it is the password of that user. Native threads may ask at the same time."""
        stored = self._by_name.get(name)
        if stored is not None:
            computed = self._compute(stored.cost, password, stored.salt, len(stored.digest))
            if hmac.compare_digest(computed, stored.digest):
                return True
        for cost in self.costs:
            if stored is None or stored.cost != cost:
                self._compute(cost, password, _SALT, _LENGTH)
        return False


def is_ours(text: str) -> bool:
    """Whether a text means to be a hash that `parse` reads."""
    return text.startswith(("scrypt$", "$scrypt$"))


def foreign(text: str) -> str:
    """The kind of hash that a text is, where it is none of ours; "" where it is no hash."""
    return "" if is_ours(text) else next((kind for begins, kind in _FOREIGN if begins.match(text)), "")


def parse(text: str) -> Hash | None:
    """Read a hash; None where it is broken, or costs more than is allowed."""
    found, old = _PHC.match(text), _OLD.match(text)
    match = found or old
    if match is None:
        return None
    number, r, p, salt, digest = match.groups()
    n = 1 << int(number) if found else int(number)
    cost = Cost(n.bit_length() - 1, int(r), int(p))
    try:
        parsed = Hash(cost, _decode(salt), _decode(digest))
    except ValueError:
        return None
    right = n & (n - 1) == 0 and cost.valid and len(parsed.salt) >= 8 and 16 <= len(parsed.digest) <= 64
    return parsed if right else None


def make_hash(password: bytes, cost: Cost = Cost()) -> str:  # frozen
    """The hash of a password, with a salt of its own."""
    salt = os.urandom(16)
    digest = cost.hash(password, salt)
    return f"$scrypt$ln={cost.ln},r={cost.r},p={cost.p}${_encode(salt)}${_encode(digest)}"


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode().rstrip("=")


def _decode(text: str) -> bytes:
    bare = text.rstrip("=")
    return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
