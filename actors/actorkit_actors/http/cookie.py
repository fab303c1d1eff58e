"""Cookies as they are written (RFC 6265), and signed ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from itsdangerous import BadData, TimestampSigner

#: What a name, and a value, is made of (RFC 6265 §4.1.1). A signed value is encoded into these.
NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
VALUE: Final = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*\Z")
#: What an attribute as Path or Domain is made of.
ATTRIBUTE: Final = re.compile(r"[\x20-\x3a\x3c-\x7e]*\Z")

#: Longest cookie that browsers keep, in bytes, and most that are looked at.
MAX_BYTES: Final = 4096
_MAX_COOKIES: Final = 200


def parse(header: str) -> dict[str, str]:
    """The cookies of a `Cookie` field; of those with one name the first, which is the more specific one."""
    found: dict[str, str] = {}
    for pair in header.split(";", _MAX_COOKIES)[:_MAX_COOKIES]:
        name, equals, value = pair.strip().partition("=")
        if equals and NAME.match(name):
            found.setdefault(
                name, value.removeprefix('"').removesuffix('"') if value[:1] == value[-1:] == '"' else value
            )
    return found


class Seal:
    """Signs values for one cookie, and reads them; a value that was signed for another one is not taken."""

    def __init__(self, secrets: Sequence[str], name: str) -> None:
        """Sign with the last of the secrets, and read what any of them has signed."""
        self._signer = TimestampSigner(list(secrets), salt=f"actorkit.cookie.{name}", key_derivation="hmac")

    def sign(self, value: str) -> str:
        """The value with the time and a signature."""
        return self._signer.sign(value).decode()

    def read(self, signed: str, max_age_s: float) -> str | None:
        """The value; None where it was not signed here, or longer ago than that."""
        try:
            return self._signer.unsign(signed, max_age=int(max_age_s) if max_age_s else None).decode()
        except (BadData, ValueError):
            return None
