"""The bytes of every message of an edge, as version 2 writes them.

A peer of another build reads these bytes, so they change only with `wire.VERSION`. Each line of a frame is a piece of
it in hexadecimal, and what that piece means; the pieces are msgpack (github.com/msgpack/msgpack/blob/master/spec.md).
"""

from __future__ import annotations

import msgspec
import pytest

from actorkit.edge import wire
from actorkit.edge.outcome import Answer, Failed
from actorkit.errors import ErrorMessage
from actorkit.event.context import Failure
from actorkit.event.parcel import Parcel, Suspicion, Waiter

PLAIN = Parcel(0x0102030405060708, 0, "j", b'{"n": 1}', b"", None, False, "web/auth")
PLAIN_BYTES = """
    98                              # an array of eight
    cf 01 02 03 04 05 06 07 08      # id
    00                              # trace: 0, it began with itself
    a1 6a                           # format "j": JSON
    c4 08 7b 22 6e 22 3a 20 31 7d   # body, 8 bytes: {"n": 1}
    c4 00                           # context: empty
    c0                              # reply_to: nil
    c2                              # redelivered: false
    a8 77 65 62 2f 61 75 74 68      # trail "web/auth"
"""

MARKED = Parcel(2**64 - 1, 0x0102030405060708, "x", b"<a/>", b"\x80", {"web": Waiter("web-1", b"key")}, True)
MARKED_BYTES = """
    98                              # an array of eight
    cf ff ff ff ff ff ff ff ff      # id: the largest there is
    cf 01 02 03 04 05 06 07 08      # trace
    a1 78                           # format "x": XML
    c4 04 3c 61 2f 3e               # body, 4 bytes: <a/>
    c4 01 80                        # context, 1 byte
    81 a3 77 65 62                  # reply_to: a map of one, "web"
    93 a5 77 65 62 2d 31            #   an array of three, instance "web-1"
    c4 03 6b 65 79                  #   key, 3 bytes: "key"
    c0                              #   deadline_ms: nil
    c3                              # redelivered: true
    a0                              # trail: empty
"""

FAILURE = Failure("NotFound", "no", 404, "place", {"n": 3}, "C9", [ErrorMessage("no", "C1")], [("a", "b")])
SMALL = Parcel(1, 0, "n", b"", b"")
SMALL_BYTES = """
    98 01 00 a1 6e                  # an array of eight: id 1, trace, format "n"
    c4 00 c4 00 c0 c2 a0            # body, context, reply_to, redelivered, trail: nothing
"""

FROM_SENDER: dict[str, tuple[wire.FromSender | wire.Outgoing | wire.OutgoingRequests, str]] = {
    "Hello": (
        wire.Hello(2, "shop", "web", "web-1", "default", "orders", 8192),
        """
        98 a1 48                    # an array of eight, "H"
        02                          # version 2
        a4 73 68 6f 70              # topology "shop"
        a3 77 65 62                 # actor "web"
        a5 77 65 62 2d 31           # instance "web-1"
        a7 64 65 66 61 75 6c 74     # outbox "default"
        a6 6f 72 64 65 72 73        # inbox "orders"
        cd 20 00                    # window 8,192
        """,
    ),
    "Batch": (
        wire.Outgoing(1, [PLAIN]),
        f"""
        94 a1 42                    # an array of four, "B"
        01                          # first number
        91                          # an array of one parcel
        {PLAIN_BYTES}
        c2                          # redelivered: none is
        """,
    ),
    "Batch with one that is redelivered": (
        wire.Outgoing(7, [MARKED, PLAIN], True),
        f"""
        94 a1 42                    # an array of four, "B"
        07                          # first number
        92                          # an array of two parcels
        {MARKED_BYTES}
        {PLAIN_BYTES}
        c3                          # redelivered: one of them is
        """,
    ),
    "Batch with one that somebody waits for": (
        wire.OutgoingRequests(1, [Parcel(1, 0, "n", b"", b"", {"web": Waiter("web-1", b"key", 2500)})], False, 1000),
        """
        95 a1 42                    # an array of five, "B"
        01                          # first number
        91                          # an array of one parcel
        98 01 00 a1 6e c4 00 c4 00  #   of eight: id 1, trace, format "n", body, context
        81 a3 77 65 62              #   reply_to: a map of one, "web"
        93 a5 77 65 62 2d 31        #     an array of three, instance "web-1"
        c4 03 6b 65 79              #     key, 3 bytes: "key"
        cd 09 c4                    #     deadline_ms 2,500
        c2 a0                       #   redelivered: false, trail: empty
        c2                          # redelivered: none is
        cd 03 e8                    # now_ms 1,000
        """,
    ),
    "Batch with a suspect": (
        wire.Outgoing(1, [Parcel(1, 0, "n", b"", b"", None, Suspicion(2, ["lost", "x"]))], True),
        """
        94 a1 42                    # an array of four, "B"
        01                          # first number
        91                          # an array of one parcel
        98 01 00 a1 6e              #   of eight: id 1, trace, format "n"
        c4 00 c4 00 c0              #   body, context, reply_to
        92 02                       #   redelivered: an array of two, count 2
        92 a4 6c 6f 73 74 a1 78     #     ways, an array of two: "lost", "x"
        a0                          #   trail
        c3                          # redelivered: one of them is
        """,
    ),
    "Go": (wire.Go(7), '92 a1 47 07  # an array of two, "G"; number'),
    "Withdraw": (
        wire.Withdraw([b"key"]),
        """
        92 a1 58                    # an array of two, "X"
        91 c4 03 6b 65 79           # an array of one key, 3 bytes: "key"
        """,
    ),
    "Stay": (wire.Stay(True, False), '93 a1 53 c3 c2  # an array of three, "S"; needed, no more'),
    "Bye": (wire.Bye(), '91 a1 59  # an array of one, "Y"'),
}

FROM_RECEIVER: dict[str, tuple[wire.FromReceiver, str]] = {
    "Welcome": (
        wire.Welcome(2, "auth", "auth-1", 64, 0x0102030405060708),
        """
        96 a1 57                    # an array of six, "W"
        02                          # version 2
        a4 61 75 74 68              # actor "auth"
        a6 61 75 74 68 2d 31        # instance "auth-1"
        40                          # window 64
        cf 01 02 03 04 05 06 07 08  # life
        """,
    ),
    "Ack": (
        wire.Ack(3, 3),
        """
        94 a1 41                    # an array of four, "A"
        03                          # consumed
        03                          # ack_floor
        90                          # finished above the floor: none
        """,
    ),
    "Ack with numbers above the floor": (
        wire.Ack(300, 7, [9, 65_536]),
        """
        94 a1 41                    # an array of four, "A"
        cd 01 2c                    # consumed 300
        07                          # ack_floor
        92 09 ce 00 01 00 00        # finished above the floor: 9 and 65,536
        """,
    ),
    "Outcomes that are an answer": (
        wire.Outcomes([(3, Answer("web", b"key", SMALL))]),
        f"""
        92 a1 4f 91 92              # an array of two, "O"; an array of one array of two
        03                          # number
        94 a1 61                    # an array of four, "a"
        a3 77 65 62                 # actor "web"
        c4 03 6b 65 79              # key, 3 bytes: "key"
        {SMALL_BYTES}
        """,
    ),
    "Outcomes that are a failure": (
        wire.Outcomes([(3, Failed(FAILURE, 418, [("x", "y")]))]),
        """
        92 a1 4f 91 92              # an array of two, "O"; an array of one array of two
        03                          # number
        94 a1 66                    # an array of four, "f"
        98                          # failure, an array of eight
        a8 4e 6f 74 46 6f 75 6e 64  #   kind "NotFound"
        a2 6e 6f                    #   message "no"
        cd 01 94                    #   status 404
        a5 70 6c 61 63 65           #   actor "place"
        81 a1 6e 03                 #   details {"n": 3}
        a2 43 39                    #   code "C9"
        91 83                       #   messages, an array of one map of three
        a7 6d 65 73 73 61 67 65     #     "message"
        a2 6e 6f                    #       "no"
        a4 63 6f 64 65              #     "code"
        a2 43 31                    #       "C1"
        a7 64 65 74 61 69 6c 73 80  #     "details": an empty map
        91 92 a1 61 a1 62           #   headers, an array of one pair: "a", "b"
        cd 01 a2                    # http_status 418
        91 92 a1 78 a1 79           # reply_headers, an array of one pair: "x", "y"
        """,
    ),
    "Begin": (wire.Begin(7, True), '93 a1 51 07 c3  # an array of three, "Q"; number, alone'),
    "End": (
        wire.End(7, "SystemExit: 3"),
        """
        93 a1 45                    # an array of three, "E"
        07                          # number
        ad 53 79 73 74 65 6d 45     # way, 13 bytes: "SystemE"
        78 69 74 3a 20 33           #   "xit: 3"
        """,
    ),
    "Drain": (wire.Drain(), '91 a1 44  # an array of one, "D"'),
    "Refuse": (
        wire.Refuse("gap: number 3"),
        """
        92 a1 52                    # an array of two, "R"
        ad 67 61 70 3a 20           # reason, 13 bytes: "gap: "
        6e 75 6d 62 65 72 20 33     # "number 3"
        """,
    ),
}


def frame(drawn: str) -> bytes:
    """The bytes of a drawing: what stands before the `#` of each line."""
    return bytes.fromhex(" ".join(line.partition("#")[0] for line in drawn.splitlines()))


@pytest.mark.parametrize("name", [*FROM_SENDER, *FROM_RECEIVER])
def test_a_message_is_written_as_it_is_drawn(name: str) -> None:
    message, drawn = {**FROM_SENDER, **FROM_RECEIVER}[name]
    assert wire.encode(message).hex(" ") == frame(drawn).hex(" ")


@pytest.mark.parametrize("name", [*FROM_SENDER, *FROM_RECEIVER])
def test_a_message_that_is_drawn_is_read(name: str) -> None:
    message, drawn = {**FROM_SENDER, **FROM_RECEIVER}[name]
    decode = wire.decode_from_sender if name in FROM_SENDER else wire.decode_from_receiver
    read = decode(frame(drawn))
    assert type(read).__name__ == name.split()[0]
    assert wire.encode(_as_sent(read)) == wire.encode(message)


def _as_sent(message: wire.FromSender | wire.FromReceiver) -> object:
    """A Batch as its sender has it: what a receiver adds to a parcel is its own and travels nowhere."""
    if not isinstance(message, wire.Batch):
        return message
    parcels = [Parcel(*(getattr(parcel, name) for name in Parcel.__struct_fields__)) for parcel in message.parcels]
    if message.now_ms is not None:
        return wire.OutgoingRequests(message.first, parcels, message.redelivered, message.now_ms)
    return wire.Outgoing(message.first, parcels, message.redelivered)


def test_every_message_is_drawn() -> None:
    letters = {msgspec.msgpack.decode(frame(drawn))[0] for _, drawn in (*FROM_SENDER.values(), *FROM_RECEIVER.values())}
    assert letters == {cls.__struct_config__.tag for cls in (*wire.FromSender.__args__, *wire.FromReceiver.__args__)}


def test_an_element_that_this_version_does_not_know_is_ignored() -> None:
    known = frame(FROM_RECEIVER["Ack"][1])
    longer = b"\x95" + known[1:] + b"\xa3new"
    assert wire.decode_from_receiver(longer) == wire.Ack(3, 3)
