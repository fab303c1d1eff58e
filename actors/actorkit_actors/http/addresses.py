"""Which addresses a client may connect to, and connections that connect to no others.

What counts is the address that a connection is made to. A name says nothing: whoever owns it decides what it answers,
the second time otherwise than the first.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from actorkit.errors import Forbidden, SettingsError

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

#: IPv6 addresses that stand for an IPv4 address in their last four bytes: RFC 6052, and IPv4-compatible ones.
_EMBEDDING: Final = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "::/96")))


class Addresses:
    """The public addresses, and those private ones that were named."""

    def __init__(self, private: Iterable[str], resolve: Callable[..., Any] = socket.getaddrinfo) -> None:
        """Take the networks that are private and may be connected to, as `10.1.0.0/16`, and what asks for the addresses
        of a name.

        Raises:
            SettingsError: one is none.
        """
        self.resolve = resolve
        self._private: list[Network] = []
        for text in private:
            try:
                self._private.append(ipaddress.ip_network(text))
            except ValueError as exc:
                raise SettingsError(f"{exc}; write a network as 10.1.0.0/16, an address as 10.1.2.3/32") from exc

    def allow(self, text: str) -> bool:
        """Whether this address may be connected to."""
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return False
        meant = _meant(address)
        if any(
            one in network for network in self._private for one in (address, meant) if one.version == network.version
        ):
            return True
        return meant.is_global and not meant.is_multicast and not meant.is_reserved


def _meant(address: Address) -> Address:
    """The IPv4 address behind an IPv6 one, if there is any."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if int(address) > 1 and any(address in network for network in _EMBEDDING):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def pools(addresses: Addresses) -> dict[str, Any]:
    """The classes of a pool manager whose connections go to allowed addresses only, by scheme."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, addresses)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, addresses)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _connect(connection: HTTPConnection, addresses: Addresses) -> socket.socket:
    host, port = connection._dns_host, connection.port
    try:
        found = addresses.resolve(host, port or 0, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as exc:
        reason = exc if isinstance(exc, socket.gaierror) else socket.gaierror(str(exc))
        raise NameResolutionError(connection.host, connection, reason) from exc
    allowed = [one for one in found if addresses.allow(str(one[4][0]))]
    if not allowed:
        raise Forbidden(
            f"{connection.host} is at a private address, {found[0][4][0]}; name its network in private_networks "
            "if it is to be connected to",
            code="private-address",
        )
    return _first(connection, allowed)


def _first(connection: HTTPConnection, found: Sequence[tuple[Any, ...]]) -> socket.socket:
    """The first connection that can be made."""
    error: OSError = OSError("there is no address")
    for family, kind, protocol, _, address in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(connection.timeout)
            for option in connection.socket_options or ():
                sock.setsockopt(*option)
            sock.connect(address)
        except OSError as exc:
            sock.close()
            error = exc
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    if isinstance(error, TimeoutError):
        raise ConnectTimeoutError(connection, "the connection was not made in time") from error
    raise NewConnectionError(connection, f"{error.strerror or error}") from error


def literal(host: str) -> str:
    """The address that a URL names itself, in whatever writing; "" where it has a name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))  # 127.1, 0x7f000001
    except (OSError, UnicodeError):
        return ""
