"""Tokens that mean something only to who has the list of them: a line `name:token scope scope` for each."""

from __future__ import annotations

import hashlib
import os
import re
from typing import Final

from msgspec import Struct

#: What a token is made of (RFC 6750 §2.1).
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*\Z")
#: Shorter ones can be guessed, in characters.
SHORTEST: Final = 16


class Bearer(Struct, frozen=True):
    """Who carries a token, and what it is good for."""

    name: str
    scopes: frozenset[str] = frozenset()


class OpaqueTokens:
    """The tokens by their digests, so that the time of a look-up says nothing about them."""

    def __init__(self, text: str) -> None:
        """Read the lines; `mistakes` has what is wrong, and quotes none."""
        self._key = os.urandom(32)
        self._bearers: dict[bytes, Bearer] = {}
        self.tokens: list[str] = []
        self.mistakes: list[str] = []
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            name, _, rest = line.partition(":")
            token, *scopes = rest.split() or [""]
            if not name or not _TOKEN.match(token) or len(token) < SHORTEST:
                self.mistakes.append(f"line {number} is not name:token, with {SHORTEST} letters or digits at least")
                continue
            self.tokens.append(token)
            self._bearers[self._digest(token)] = Bearer(name, frozenset(scopes))

    def find(self, token: str) -> Bearer | None:
        """Who carries a token."""
        return self._bearers.get(self._digest(token))

    def _digest(self, token: str) -> bytes:
        return hashlib.blake2b(token.encode("utf-8", "replace"), key=self._key, digest_size=32).digest()
