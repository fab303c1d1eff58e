"""Where a ZeroMQ socket binds or connects."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Final, Literal, cast

Transport = Literal["tcp", "ipc", "inproc"]

#: An endpoint of a broker that begins so names a registration service, which lists brokers: registry+tcp://host:6000.
REGISTRY: Final = "registry+"

#: What stands in the place of a host where a socket binds to every interface of its machine.
_EVERY_INTERFACE: Final = ("*", "0.0.0.0", "::")

_TCP: Final = re.compile(r"tcp://(\*|\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[A-Za-z0-9._-]+):(\d{1,5}|\*)\Z", re.ASCII)
_PATH: Final = re.compile(r"(ipc|inproc)://([^\s,?#]+)\Z")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A ZeroMQ endpoint, read from its text once; `str` writes it.

    Attributes:
        transport: what carries the frames.
        host: the host of a tcp endpoint, an IPv6 address without its brackets; the path of another one.
        port: the port of a tcp endpoint; 0 where the system chooses one (`*`), and for the others.
    """

    transport: Transport
    host: str
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """The endpoint that a text means.

        Raises:
            ValueError: the text is no endpoint that ZeroMQ could use.
        """
        found = _TCP.match(text)
        if found:
            host, port = found[1], 0 if found[2] == "*" else int(found[2])
            if port <= 65535 and (not host.startswith("[") or _address(host[1:-1]) is not None):
                return cls("tcp", host.strip("[]"), port)
        found = _PATH.match(text)
        if found:
            return cls(cast(Transport, found[1]), found[2])
        raise ValueError(f'"{text}" is not a ZeroMQ endpoint. Write it as tcp://host:5550 (tcp://*:5550 to bind).')

    @classmethod
    def of_address(cls, text: str) -> Endpoint:
        """The tcp endpoint of a text `host:port`; an IPv6 address stands in brackets.

        Raises:
            ValueError: it is something else.
        """
        found = cls.parse(f"tcp://{text}")
        if "*" in text:
            raise ValueError(f'"{text}" is not host:port. Write it as 0.0.0.0:9600.')
        return found

    @classmethod
    def tcp(cls, host: str, port: int) -> Endpoint:
        """The endpoint of a host, as name or address, and a port; port 0 is one that the system chooses."""
        return cls("tcp", host.strip("[]"), port)

    def __str__(self) -> str:
        if self.transport != "tcp":
            return f"{self.transport}://{self.host}"
        return f"tcp://{self.address}"

    @property
    def address(self) -> str:
        """Host and port of a tcp endpoint as one text: an IPv6 address stands in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port or '*'}"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach what is bound here."""
        if self.transport != "tcp" or self.host == "localhost":
            return True
        address = _address(self.host)
        return address is not None and address.is_loopback

    @property
    def is_of_this_process(self) -> bool:
        """Whether only sockets of one context meet here: nothing lies between that could break or fall silent."""
        return self.transport == "inproc"

    @property
    def is_every_interface(self) -> bool:
        """Whether a socket that binds here can be reached at every address of its machine."""
        return self.transport == "tcp" and self.host in _EVERY_INTERFACE

    @property
    def is_ipv6(self) -> bool:
        """Whether the host is an address of IPv6."""
        return self.transport == "tcp" and ":" in self.host

    @property
    def family(self) -> socket.AddressFamily:
        """The family of sockets that reach the host, or are bound to it."""
        return socket.AF_INET6 if self.is_ipv6 else socket.AF_INET

    @property
    def names_can_change(self) -> bool:
        """Whether other addresses may stand behind it later: it is a name, or a pattern of socket files."""
        if self.transport == "ipc":
            return "*" in self.host
        return self.transport == "tcp" and not self.is_every_interface and _address(self.host) is None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is, None where it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
