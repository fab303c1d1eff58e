"""The name that the DNS has for this instance's own address.

Containers of one Compose service differ in nothing that they are told, but for their names: `orders-execute-2`. Only
the engine's name server tells a container its own (a PTR record: RFC 1035 §3.5).
"""

from __future__ import annotations

import secrets
import socket
import struct
from pathlib import Path
from typing import Final

from actorkit.transport.endpoint import Endpoint

#: Where the system has the addresses of its name servers: resolv.conf(5).
RESOLV_CONF: Final = Path("/etc/resolv.conf")
DNS_PORT: Final = 53
#: Longest wait for the answer, in seconds. It comes from the engine beside, within a millisecond.
PATIENCE_S: Final = 1.0

_PTR, _IN = 12, 1
_RECURSE: Final = 0x0100
_HEADER: Final = struct.Struct("!6H")
_FIELDS: Final = struct.Struct("!2H")
_RECORD: Final = struct.Struct("!2HIH")
#: The two upper bits of a length byte that make it a pointer: RFC 1035 §4.1.4.
_POINTER: Final = 0xC0


def own_name(conf: Path = RESOLV_CONF, port: int = DNS_PORT, patience_s: float = PATIENCE_S) -> str:
    """The first label of the name of this host's own address, "" where the name server tells none."""
    try:
        server = next(line.split()[1] for line in conf.read_text().splitlines() if line.split()[:1] == ["nameserver"])
        address = socket.gethostbyname(socket.gethostname())
        number = secrets.randbelow(1 << 16)
        with socket.socket(Endpoint.tcp(server, port).family, socket.SOCK_DGRAM) as asking:
            asking.settimeout(patience_s)
            asking.connect((server, port))
            asking.send(query(address, number))
            return first_label(asking.recv(4096), number)
    except (OSError, StopIteration, IndexError, ValueError):
        return ""


def query(address: str, number: int) -> bytes:
    """The question for the name of an IPv4 address."""
    labels = [*reversed(address.split(".")), "in-addr", "arpa"]
    name = b"".join(bytes([len(label)]) + label.encode() for label in labels)
    return _HEADER.pack(number, _RECURSE, 1, 0, 0, 0) + name + b"\0" + _FIELDS.pack(_PTR, _IN)


def first_label(answer: bytes, number: int) -> str:
    """The first label of the first name in an answer, "" where it has none.

    Raises:
        ValueError: this is no answer to the question of that number.
    """
    try:
        told, _flags, questions, answers, _, _ = _HEADER.unpack_from(answer)
        if told != number:
            raise ValueError("this answers another question")
        at = _HEADER.size
        for _question in range(questions):
            at = _after_name(answer, at) + _FIELDS.size
        for _answer in range(answers):
            at = _after_name(answer, at)
            kind, _class, _ttl, length = _RECORD.unpack_from(answer, at)
            at += _RECORD.size
            if kind == _PTR:
                return _label(answer, at)
            at += length
    except (struct.error, IndexError, UnicodeDecodeError) as exc:
        raise ValueError("this is no answer of a name server") from exc
    return ""


def _after_name(message: bytes, at: int) -> int:
    while message[at]:
        if message[at] & _POINTER == _POINTER:
            return at + 2
        at += 1 + message[at]
    return at + 1


def _label(message: bytes, at: int) -> str:
    """The label that begins there, or where a pointer there leads."""
    seen = set[int]()
    while message[at] & _POINTER == _POINTER:
        at = (message[at] & ~_POINTER) << 8 | message[at + 1]
        if at in seen:
            raise ValueError("a name that points to itself")
        seen.add(at)
    return message[at + 1 : at + 1 + message[at]].decode("ascii")
