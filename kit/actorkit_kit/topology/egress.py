"""Destinations outside of a topology, as an author writes them: `db.example:5432`, `10.20.0.0/16:5432`, `[::1]:443`."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Final

from actorkit_kit.topology.findings import Findings
from actorkit_kit.topology.kinds import ecma, type_words
from actorkit_kit.topology.model import ANYWHERE, Destination
from actorkit_kit.topology.section import Section

_HOW: Final = "Write host:port, as db.example:5432, 10.20.0.0/16:5432 or [2001:db8::/32]:443; true means anywhere."
_WRITTEN: Final = re.compile(r"(\[[^\[\]]+\]|[^:\[\]]+):([0-9]{1,5})\Z")
#: A host's name: RFC 1123 §2.1, and the underscores that some names of services have. Its last label is no number.
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?\Z"
)

#: The value in the JSON schema.
SCHEMA: Final = {
    "anyOf": [
        {"type": "boolean"},
        {"type": "array", "items": {"type": "string", "pattern": ecma(_WRITTEN)}, "minItems": 1, "uniqueItems": True},
    ]
}


@dataclass(frozen=True)
class Egress:
    """`true`, or a list of destinations."""

    words: str = "true, or list of `host:port`"

    @property
    def default(self) -> tuple[Destination, ...]:
        return ()

    def schema(self) -> dict[str, Any]:
        return dict(SCHEMA)

    def mistake(self, value: Any) -> str:
        if isinstance(value, bool):
            return ""
        if not isinstance(value, list):
            return f"this is {type_words(value)}. Write true, or a list of host:port."
        return "" if value else "this list is empty. Write true, a list of host:port, or nothing."

    def read(self, value: Any) -> tuple[Destination, ...]:
        """The destinations of a value without a mistake; its entries are not looked at, as `read` below does."""
        return ANYWHERE if value is True else ()


def read(section: Section, name: str) -> tuple[Destination, ...]:
    """The destinations under a key of a section; mistakes in its entries are noted."""
    given = section.content.get(name)
    if not isinstance(given, list):
        return ()
    found: dict[Destination, None] = {}
    for index, written in enumerate(given):
        destination = _read_one(section.findings, (*section.location, name, index), written)
        if destination is None:
            continue
        if destination in found:
            section.findings.add((*section.location, name, index), f'"{written}" stands here twice. Remove one.')
        found[destination] = None
    return tuple(found)


def _read_one(findings: Findings, location: tuple[str | int, ...], written: Any) -> Destination | None:
    if not isinstance(written, str):
        findings.add(location, f"this is {type_words(written)}. {_HOW}")
        return None
    try:
        return parse(written)
    except ValueError as exc:
        findings.add(location, str(exc))
        return None


def parse(written: str) -> Destination:
    """The destination that a text means.

    Raises:
        ValueError: it means none; the message says what to do.
    """
    match = _WRITTEN.match(written)
    if match is None:
        bare = written.count(":") > 1 and "[" not in written
        todo = "Write an IPv6 address in brackets: [2001:db8::1]:443." if bare else _HOW
        raise ValueError(f'"{written}" is not host:port. {todo}')
    host, port = match.group(1), int(match.group(2))
    if not 1 <= port <= 65535:
        raise ValueError(f'"{written}" has no port from 1 to 65535. {_HOW}')
    if host == "*":
        return Destination("", port)
    return Destination(_host(written, host, port), port)


def _host(written: str, host: str, port: int) -> str:
    """A block of addresses as CIDR, or a name."""
    bracketed = host.startswith("[")
    address = host.strip("[]")
    try:
        network = ipaddress.ip_network(address)
    except ValueError as exc:
        if "host bits" in str(exc):
            whole = ipaddress.ip_network(address, strict=False)
            raise ValueError(f'"{written}": the block that {address} is in is {whole}. Write that.') from exc
        if not bracketed and _NAME.match(host.lower()):
            return host.lower().rstrip(".")
        problem = f'"{address}" is neither an address, a block of addresses nor a name.'
        raise ValueError(f'"{written}": {problem} {_HOW}') from exc
    if network.version == 6 and not bracketed:
        raise ValueError(f'"{written}" is not host:port. Write an IPv6 address in brackets: [{address}]:{port}.')
    return str(network)
