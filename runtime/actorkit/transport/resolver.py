"""Which addresses stand behind an endpoint. libzmq takes the first address of a name and never looks again; we do."""

from __future__ import annotations

import glob
import logging
from collections.abc import Callable
from typing import Any, Final

import gevent
from gevent import socket

from actorkit.transport.endpoint import Endpoint

log = logging.getLogger("actorkit.resolver")

#: How long one look-up is waited for, in seconds. It goes on meanwhile, and a later call takes what it found.
PATIENCE_S: Final = 2.0

#: Addresses that are used of one name at most; a name server that lists more is taken for mad.
MAX_ADDRESSES: Final = 256

#: What a name server says when it knows that there is no such name, or that the name has no address (RFC 3493 §6.1).
#: Every other error means that nobody can tell now.
_NO_ADDRESS: Final = frozenset(
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
)

#: Finds the addresses of a host, as text; none where there is no such name. Raises OSError when nobody can tell now.
LookUp = Callable[[str], list[str]]


def look_up(host: str, ask: Callable[..., list[Any]] = socket.getaddrinfo) -> list[str]:
    """Ask the system, in gevent's thread pool, so that other greenlets go on. `ask` is getaddrinfo(3), or is like it.

    Raises:
        OSError: nobody can tell now.
    """
    try:
        found = ask(host, None, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label that is empty or too long, so it is no name
        return []
    except socket.gaierror as exc:
        if exc.errno in _NO_ADDRESS:
            return []
        raise
    return [str(entry[4][0]) for entry in found]


class Resolver:
    """Looks names up again and again, and remembers their last known addresses.

    A name server that is away, or slow, is not an empty answer: what was known stays. Only one that says that there is
    no such name takes addresses away.
    """

    def __init__(self, look_up: LookUp = look_up, patience_s: float = PATIENCE_S) -> None:
        self._look_up = look_up
        self._patience_s = patience_s
        #: Hosts that nobody could tell about when they were asked for last.
        self._unsure: set[str] = set()
        self._known: dict[str, list[str]] = {}
        self._asked: dict[str, gevent.Greenlet[..., list[str] | OSError | None]] = {}

    def __repr__(self) -> str:
        return f"<Resolver of {len(self._known)} names, {len(self._unsure)} of them unsure>"

    def addresses(self, endpoint: str) -> list[str]:
        """All addresses behind an endpoint, each an endpoint to connect to."""
        parsed = Endpoint.parse(endpoint)
        if not parsed.names_can_change:
            return [endpoint]
        if parsed.transport == "ipc":
            return [str(Endpoint("ipc", path)) for path in sorted(glob.glob(parsed.host))]  # noqa: PTH207  # it is absolute
        return [str(Endpoint.tcp(address, parsed.port)) for address in self._resolve(parsed.host)]

    def _resolve(self, host: str) -> list[str]:
        asked = self._asked.get(host)
        if asked is None:  # One look-up of a name at a time: slow ones must not fill the thread pool.
            asked = self._asked[host] = gevent.spawn(_answer, self._look_up, host)
        asked.join(self._patience_s)
        if not asked.ready():
            return self._keep(host, f"no answer within {self._patience_s:g} s")
        self._asked.pop(host, None)
        found = asked.value
        if isinstance(found, list):
            if host in self._unsure:
                self._unsure.discard(host)
                log.info('the name "%s" can be looked up again', host)
            self._known[host] = list(dict.fromkeys(found))[:MAX_ADDRESSES]
            return self._known[host]
        return self._keep(host, str(found))

    def _keep(self, host: str, why: str) -> list[str]:
        known = self._known.get(host, [])
        if host not in self._unsure:
            self._unsure.add(host)
            log.warning(
                'the name "%s" cannot be looked up now (%s); its %d known addresses stay', host, why, len(known)
            )
        return known


def _answer(look_up: LookUp, host: str) -> list[str] | OSError:
    """What a look-up finds, or why it finds nothing: a greenlet that raises would write a traceback."""
    try:
        return look_up(host)
    except OSError as exc:
        return exc
