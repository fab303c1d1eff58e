"""The public keys of an issuer, fetched when they are wanted, and again when they have changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from actorkit.errors import UNREADABLE, ServiceUnavailable

#: Most keys of a set that are looked at: whoever sends a token chooses how many are tried.
MAX_KEYS: Final = 100

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_keys = msgspec.json.Decoder(list[dict[str, object]]).decode


def parse(text: str | bytes) -> list[PyJWK]:
    """The public keys for signatures in a JWK Set (RFC 7517 §5). Keys of other kinds are passed over; a secret is
    never a public key.

    Raises:
        ValueError: it is none, or no key can be used.
    """
    try:
        listed = _decode_keys(_decode(text)["keys"])
    except (*UNREADABLE, KeyError) as exc:
        raise ValueError('this is no JWK Set: JSON with a list of "keys"') from exc
    found = []
    for one in listed[:MAX_KEYS]:
        if one.get("kty") == "oct" or one.get("use", "sig") != "sig":
            continue
        try:
            found.append(PyJWK(one))
        except (PyJWTError, ValueError, TypeError, KeyError):
            continue  # RFC 7517 §5: what is not understood is ignored.
    if not found:
        raise ValueError("no key in the JWK Set can be used to check a signature")
    return found


class KeyCache:
    """Keys, and when they came."""

    def __init__(self, fetch: Callable[[], bytes], max_age_s: float, pause_s: float, stale_s: float) -> None:
        """Keep keys for `max_age_s`, or `stale_s` while they cannot be had again; ask every `pause_s` at most."""
        self._fetch = fetch
        self._max_age_s, self._pause_s, self._stale_s = max_age_s, pause_s, max(stale_s, max_age_s)
        self._keys: Sequence[PyJWK] = ()
        self._fetched = self._asked = float("-inf")
        #: What was wrong the last time; "" for nothing.
        self.trouble = ""

    def wants(self, kid: str | None, now: float) -> bool:
        """Whether the keys have to be fetched before this one is looked for."""
        if now - self._asked < self._pause_s:
            return False
        return now - self._fetched >= self._max_age_s or (kid is not None and not self._keys_of(kid))

    def refresh(self, now: float) -> None:
        """Fetch the keys. Where that fails those that are there stay."""
        self._asked = now
        try:
            self._keys = parse(self._fetch())
            self._fetched, self.trouble = now, ""
        except (OSError, ValueError) as exc:
            self.trouble = str(exc) or type(exc).__name__

    def find(self, kid: str | None, now: float) -> Sequence[PyJWK]:
        """The keys of this name, all where a token names none.

        Raises:
            ServiceUnavailable: there are none at all, or none that are fresh enough.
        """
        if now - self._fetched >= self._stale_s:
            raise ServiceUnavailable("the keys of the issuer cannot be had; try again", retry_after_s=self._pause_s)
        return self._keys if kid is None else self._keys_of(kid)

    def _keys_of(self, kid: str) -> list[PyJWK]:
        return [key for key in self._keys if key.key_id == kid]
