"""Where the keys of an issuer come from."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

#: Longest wait for the keys, in seconds, and the longest answer, in bytes.
_TIMEOUT_S: Final = 5.0
_MAX_BYTES: Final = 1 << 20
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def mistake(url: str) -> str:
    """What is wrong with an address of keys; "" for nothing."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as exc:
        return f"this is no address: {exc}"
    if parts.username is not None or not parts.hostname:
        return "it is no address, or has credentials in it"
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return "keys come by https: who changes them on the way makes tokens; or give them as jwks"
    return ""


def fetcher(url: str, ca: str) -> Callable[[], bytes]:
    """A function that fetches the keys at an address; redirects are not followed.

    Raises:
        ValueError: the authorities are no PEM text.
    """
    try:
        context = ssl.create_default_context(cadata=ca or None)
    except ssl.SSLError as exc:
        raise ValueError(f"the authorities cannot be used: {exc}") from exc
    pool = urllib3.PoolManager(ssl_context=context, retries=False, timeout=urllib3.Timeout(total=_TIMEOUT_S))

    def fetch() -> bytes:
        try:
            response = pool.request("GET", url, redirect=False, preload_content=False)
            try:
                content: bytes = response.read(_MAX_BYTES + 1)
            finally:
                response.close()
        except HTTPError as exc:
            raise OSError(f"the keys cannot be had: {exc}") from exc
        if response.status != 200 or len(content) > _MAX_BYTES:
            raise ValueError(f"the keys cannot be had: status {response.status}, {len(content)} bytes")
        return content

    return fetch
