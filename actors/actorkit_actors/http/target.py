"""The address of a request, made of a pattern and an event."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from actorkit import Event
from actorkit.errors import MalformedEvent

_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_PORTS: Final = {"http": 80, "https": 443}
#: What may stand in an address as it is (RFC 3986 §2).
_WRITTEN: Final = re.compile(r"[!#-;=?-Z\[\]_a-z~{}]*\Z")


def mistake(pattern: str) -> str:
    """What is wrong with a pattern; "" for nothing."""
    try:
        parts = urlsplit(pattern)
        _ = parts.port
    except ValueError as exc:
        return f"this is no address: {exc}"
    if parts.scheme not in _PORTS or not parts.hostname:
        return "this is no address of HTTP; it begins with http:// or https:// and a host"
    if parts.username is not None:
        return "credentials do not belong here, where logs show them; give them as authorization"
    if "{" in parts.netloc:
        return "the host cannot come from the event; choose between several http-clients by a router"
    if parts.fragment or not _WRITTEN.match(pattern):
        return "it has a fragment, a blank or another character that has to be written as %XX"
    if any(not name for name in _PLACE.findall(pattern)):
        return "{} names nothing; write {attributes/id}, say"
    return ""


def fill(pattern: str, event: Event) -> str:
    """The address for an event. What comes from the event stays within its place, whatever is in it.

    Raises:
        MalformedEvent: the event has nothing there, or what cannot stand there.
    """

    def value_of(match: re.Match[str]) -> str:
        value = event.lookup(match[1])
        if isinstance(value, bool) or not isinstance(value, str | int | float) or value in ("", ".", ".."):
            raise MalformedEvent(f'"{match[1]}" of the event cannot stand in an address: it is missing, "." or no text')
        try:
            return quote(str(value), safe="")
        except UnicodeEncodeError as exc:
            raise MalformedEvent(f'"{match[1]}" of the event is not UTF-8') from exc

    return _PLACE.sub(value_of, pattern)


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port (RFC 6454 §4).

    Raises:
        ValueError: the port is none.
    """
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)


def destination(url: str, location: str) -> str:
    """The address that a redirect names; "" for one that is not followed: no HTTP, from https to http, or with
    credentials."""
    try:
        target = urljoin(url, location.strip())
        parts = urlsplit(target)
        _ = parts.port
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        return ""
    if urlsplit(url).scheme == "https" and parts.scheme != "https":
        return ""
    return quote(parts._replace(fragment="").geturl(), safe="%/:=&?~#+!$,;'@()*[]")
