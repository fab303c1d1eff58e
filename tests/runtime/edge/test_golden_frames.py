"""The bytes of every message of an edge, as version 1 wrote them before its code moved into folders.

A peer of another build reads these bytes, so they change only with `wire.VERSION`. Each line of a frame is a piece of
it in hexadecimal, and what that piece means; the pieces are msgpack (github.com/msgpack/msgpack/blob/master/spec.md).
"""

from __future__ import annotations

import msgspec
import pytest

from actorkit.edge import wire
from actorkit.event.parcel import Parcel

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

MARKED = Parcel(2**64 - 1, 0x0102030405060708, "x", b"<a/>", b"\x80", {"web": ("web-1", b"\0\0\0\0\0\0\0\7")}, True)
MARKED_BYTES = """
    98                              # an array of eight
    cf ff ff ff ff ff ff ff ff      # id: the largest there is
    cf 01 02 03 04 05 06 07 08      # trace
    a1 78                           # format "x": XML
    c4 04 3c 61 2f 3e               # body, 4 bytes: <a/>
    c4 01 80                        # context, 1 byte
    81 a3 77 65 62                  # reply_to: a map of one, "web"
    92 a5 77 65 62 2d 31            #   an array of two, instance "web-1"
    c4 08 00 00 00 00 00 00 00 07   #   key, 8 bytes
    c3                              # redelivered: true
    a0                              # trail: empty
"""

FROM_SENDER: dict[str, tuple[wire.FromSender | wire.Outgoing, str]] = {
    "Hello": (
        wire.Hello(1, "shop", "web", "web-1", "default", "orders", 8192),
        """
        98 a1 48                    # an array of eight, "H"
        01                          # version 1
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
    "Stay": (wire.Stay(), '91 a1 53  # an array of one, "S"'),
    "Bye": (wire.Bye(), '91 a1 59  # an array of one, "Y"'),
}

FROM_RECEIVER: dict[str, tuple[wire.FromReceiver, str]] = {
    "Welcome": (
        wire.Welcome(1, "auth", "auth-1", 64),
        """
        95 a1 57                    # an array of five, "W"
        01                          # version 1
        a4 61 75 74 68              # actor "auth"
        a6 61 75 74 68 2d 31        # instance "auth-1"
        40                          # window 64
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
def test_a_message_is_written_as_it_always_was(name: str) -> None:
    message, drawn = {**FROM_SENDER, **FROM_RECEIVER}[name]
    assert wire.encode(message).hex(" ") == frame(drawn).hex(" ")


@pytest.mark.parametrize("name", [*FROM_SENDER, *FROM_RECEIVER])
def test_a_message_that_was_written_before_is_read(name: str) -> None:
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
    return wire.Outgoing(message.first, parcels, message.redelivered)


def test_every_message_is_drawn() -> None:
    letters = {msgspec.msgpack.decode(frame(drawn))[0] for _, drawn in (*FROM_SENDER.values(), *FROM_RECEIVER.values())}
    structs = [cls for cls in vars(wire).values() if isinstance(cls, type) and issubclass(cls, msgspec.Struct)]
    assert letters == {cls.__struct_config__.tag for cls in structs} - {None}


def test_an_element_that_this_version_does_not_know_is_ignored() -> None:
    known = frame(FROM_RECEIVER["Ack"][1])
    longer = b"\x95" + known[1:] + b"\xa3new"
    assert wire.decode_from_receiver(longer) == wire.Ack(3, 3)
