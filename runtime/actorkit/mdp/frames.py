"""Frame layouts of RFC 7/MDP 0.1 and RFC 18/MDP 0.2, without the routing id that a ROUTER puts before them.

    client REQUEST   0.1: ["", MDPC01, service, body…]        0.2: [MDPC02, 01, service, body…]
    client REPLY     0.1: ["", MDPC01, service, body…]        0.2: [MDPC02, 02 partial | 03 final, service, body…]
    READY            0.1: ["", MDPW01, 01, service]           0.2: [MDPW02, 01, service]
    worker REQUEST   0.1: ["", MDPW01, 02, client, "", body…] 0.2: [MDPW02, 02, client, "", body…]
    worker REPLY     0.1: ["", MDPW01, 03, client, "", body…] 0.2: [MDPW02, 03 partial | 04 final, client, "", body…]
    HEARTBEAT        0.1: ["", MDPW01, 04]                    0.2: [MDPW02, 05]
    DISCONNECT       0.1: ["", MDPW01, 05]                    0.2: [MDPW02, 06]

Our own clients put one frame before the body, the *extension header*: `EXTENSION` and a msgpack map. The broker takes
it off before a worker sees the request, and answers refusals to such a client (only) with a header in place of a body.

    header           | 00 "AK1" | msgpack map |

Routing ids of our own workers; R is random, and P the same in all routing ids of a process:

    one slot         | "AK1" | R × 9 |
    several slots    | "AK1" | P × 8 | R × 9 |
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, TypeAlias, TypeGuard, TypeVar

import msgspec

from actorkit.errors import UNREADABLE
from actorkit.mdp.errors import FrameError

if TYPE_CHECKING:
    import zmq

#: A frame as it travels through the broker: small ones as bytes, large ones as pyzmq frames that are not copied.
Part: TypeAlias = "bytes | zmq.Frame"

EMPTY: Final = b""

#: First bytes of the frame that our own clients put before the body, and of refusals to them.
EXTENSION: Final = b"\x00AK1"

#: First bytes of the routing ids of our own workers. A DISCONNECT from such a worker says: the request that I may just
#: have been sent is not begun; so it is given to another worker even when the service is not idempotent.
OUR_WORKER: Final = b"AK1"

#: Length of P and of R in such a routing id, in bytes.
PROCESS_BYTES: Final = 8
SLOT_BYTES: Final = 9

#: Length of the bytes that the connections of one of our clients share.
CLIENT_BYTES: Final = 8

#: Most frames that a message may have.
MAX_FRAMES: Final = 1024

#: Service names that begin so belong to the broker (RFC 8/MMI).
MMI: Final = b"mmi."

#: Answered with 200 when the broker begins to drain: how our clients hear of it before it closes its socket.
DRAINING: Final = b"mmi.draining"

#: Answered with the largest request that the broker takes, in bytes: so our clients need not send one that it refuses.
MAX_BODY: Final = b"mmi.max_body"

#: Longest service name, in bytes.
MAX_NAME_BYTES: Final = 255


class Dialect(NamedTuple):
    """One version of the protocol: what stands before the command, and the commands."""

    version: str
    client: bytes
    worker: bytes
    #: What a worker's message and a client's message begin with, header included.
    worker_head: tuple[bytes, ...]
    client_head: tuple[bytes, ...]
    ready: bytes
    request: bytes
    #: None: the version has no partial answers.
    partial: bytes | None
    final: bytes
    heartbeat: bytes
    disconnect: bytes
    #: What stands between the client's header and the service: request, partial answer, last answer.
    client_request: tuple[bytes, ...]
    client_partial: tuple[bytes, ...]
    client_final: tuple[bytes, ...]


V1: Final = Dialect(
    version="0.1",
    client=b"MDPC01",
    worker=b"MDPW01",
    worker_head=(EMPTY, b"MDPW01"),
    client_head=(EMPTY, b"MDPC01"),
    ready=b"\x01",
    request=b"\x02",
    partial=None,
    final=b"\x03",
    heartbeat=b"\x04",
    disconnect=b"\x05",
    client_request=(),
    client_partial=(),
    client_final=(),
)

V2: Final = Dialect(
    version="0.2",
    client=b"MDPC02",
    worker=b"MDPW02",
    worker_head=(b"MDPW02",),
    client_head=(b"MDPC02",),
    ready=b"\x01",
    request=b"\x02",
    partial=b"\x03",
    final=b"\x04",
    heartbeat=b"\x05",
    disconnect=b"\x06",
    client_request=(b"\x01",),
    client_partial=(b"\x02",),
    client_final=(b"\x03",),
)


class RequestHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What our own client tells the broker about a request."""

    #: Time that the client still waits, in milliseconds.
    ms: int = 0
    #: Random bytes that all connections of a client share: it gets one turn for all of them (`Request.turn`).
    client: Annotated[bytes, msgspec.Meta(max_length=16)] = b""


class ErrorHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A refusal by the broker, or the failure of a worker's handler."""

    #: HTTP status that says best what happened.
    status: int
    error: str = ""
    #: Which side says so: the request was refused by the broker, or failed in the worker.
    by: str = "broker"
    #: The broker is about to end: ask it no more.
    draining: bool = False


_Header = TypeVar("_Header")

_request_headers = msgspec.msgpack.Decoder(RequestHeader)
_error_headers = msgspec.msgpack.Decoder(ErrorHeader)
_encoder = msgspec.msgpack.Encoder()


def write_header(header: RequestHeader | ErrorHeader) -> bytes:
    """The frame that carries an extension header."""
    return EXTENSION + _encoder.encode(header)


def read_request_header(frame: bytes) -> RequestHeader:
    """A client's extension header.

    Raises:
        FrameError: the frame is none.
    """
    return _read(_request_headers, frame)


def read_error_header(body: Sequence[bytes]) -> ErrorHeader | None:
    """The extension header in place of an answer's body; None when the body is an ordinary answer."""
    if not body or not body[0].startswith(EXTENSION):
        return None
    try:
        return _read(_error_headers, body[0])
    except FrameError:
        return None


def client_request(service: bytes, body: Sequence[Part], dialect: Dialect = V1) -> list[Part]:
    """A client's REQUEST (RFC 7/MDP §client)."""
    return [*dialect.client_head, *dialect.client_request, service, *body]


def client_answer(service: Part, body: Sequence[Part], dialect: Dialect = V1, *, final: bool = True) -> list[Part]:
    """The broker's answer to a client, the last one or a part of it."""
    return [*dialect.client_head, *(dialect.client_final if final else dialect.client_partial), service, *body]


def ready(service: bytes, dialect: Dialect = V1) -> list[Part]:
    """A worker's READY."""
    return [*dialect.worker_head, dialect.ready, service]


def worker_request(client: Part, body: Sequence[Part], dialect: Dialect = V1) -> list[Part]:
    """The REQUEST that the broker gives a worker."""
    return [*dialect.worker_head, dialect.request, client, EMPTY, *body]


def worker_reply(client: Part, body: Sequence[Part], dialect: Dialect = V1) -> list[Part]:
    """A worker's last (in 0.1: only) REPLY."""
    return [*dialect.worker_head, dialect.final, client, EMPTY, *body]


def heartbeat(dialect: Dialect = V1) -> list[Part]:
    """A HEARTBEAT, the same in both directions."""
    return [*dialect.worker_head, dialect.heartbeat]


def disconnect(dialect: Dialect = V1) -> list[Part]:
    """A DISCONNECT, the same in both directions."""
    return [*dialect.worker_head, dialect.disconnect]


def parse_answer(frames: Sequence[bytes], service: bytes) -> list[bytes]:
    """The body of a 0.1 answer as a DEALER receives it.

    Raises:
        FrameError: it is not an answer of the service.
    """
    if len(frames) < 4 or frames[0] != EMPTY or frames[1] != V1.client:
        raise FrameError(f"an answer of {len(frames)} frames is not ['', MDPC01, service, body…]")
    if frames[2] != service:
        raise FrameError(f"the answer is from service {frames[2]!r}, not {service!r}")
    return list(frames[3:])


class Command(NamedTuple):
    """A command of the broker to a 0.1 worker; `client` and `body` are those of a REQUEST."""

    command: bytes
    client: bytes = b""
    body: list[bytes] = []  # never changed: a command without a body shares it


def parse_command(frames: Sequence[bytes]) -> Command:
    """The command that a broker sends a 0.1 worker.

    Raises:
        FrameError: it is not a command of a broker.
    """
    if len(frames) < 3 or frames[0] != EMPTY or frames[1] != V1.worker:
        raise FrameError(f"a message of {len(frames)} frames is not ['', MDPW01, command, …]")
    command = frames[2]
    if command == V1.request:
        if len(frames) < 6 or frames[4] != EMPTY:
            raise FrameError("a REQUEST is not ['', MDPW01, 02, client, '', body…]")
        return Command(command, frames[3], list(frames[5:]))
    if command not in (V1.heartbeat, V1.disconnect) or len(frames) != 3:
        raise FrameError(f"command {command!r} with {len(frames)} frames is not one that a broker sends")
    return Command(command)


def new_process_name() -> bytes:
    """What the routing ids of one process with several slots begin with."""
    return OUR_WORKER + os.urandom(PROCESS_BYTES)


def new_client_name() -> bytes:
    """What all connections of one of our clients tell the broker."""
    return os.urandom(CLIENT_BYTES)


def process_name(identity: Part) -> bytes | None:
    """What the routing ids of a worker's process begin with; None if it has one slot, or is not ours."""
    name = len(OUR_WORKER) + PROCESS_BYTES
    if isinstance(identity, bytes) and identity.startswith(OUR_WORKER) and len(identity) == name + SLOT_BYTES:
        return identity[:name]
    return None


def is_service_name(name: Part) -> TypeGuard[bytes]:
    """Whether a frame can name a service: 1 to 255 bytes of printable UTF-8 (RFC 7/MDP: a printable string)."""
    if not isinstance(name, bytes) or not 0 < len(name) <= MAX_NAME_BYTES:
        return False
    try:
        return name.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _read(decoder: msgspec.msgpack.Decoder[_Header], frame: bytes) -> _Header:
    try:
        return decoder.decode(memoryview(frame)[len(EXTENSION) :])
    except UNREADABLE as exc:
        raise FrameError(f"the frame after {EXTENSION!r} is not a header: {exc}") from exc


def show(identity: Part) -> str:
    """A routing id for a log line: the text if it is one, else hexadecimal."""
    raw = identity if isinstance(identity, bytes) else identity.bytes
    return raw.decode() if raw.isascii() and raw.decode().isprintable() else raw.hex()
