"""The bytes of MajorDomo frames (RFC 7, RFC 18), of our extension and of a registration service, as they always were.

A broker, a client or a worker of another build, or by somebody else, reads these bytes. `test_frames.py` compares the
layouts with the RFCs' words; here are the bytes themselves, in hexadecimal, a frame a word, `-` for an empty one.
"""

from __future__ import annotations

import msgspec
import pytest

from actorkit.mdp import frames as f
from actorkit.mdp.directory.state import ANNOUNCE, BROKERS, HEADER, LEAVE, LIST, Announcement, Broker, Listing

MDPC01, MDPW01 = "4d4450433031", "4d4450573031"
MDPC02, MDPW02 = "4d4450433032", "4d4450573032"
ORDERS, BODY, DONE, CLIENT = "6f7264657273", "626f6479", "646f6e65", "43"

MESSAGES: dict[str, tuple[list[f.Part], str]] = {
    "0.1 client REQUEST": (f.client_request(b"orders", [b"body"]), f"- {MDPC01} {ORDERS} {BODY}"),
    "0.1 client REPLY": (f.client_answer(b"orders", [b"done"]), f"- {MDPC01} {ORDERS} {DONE}"),
    "0.1 READY": (f.ready(b"orders"), f"- {MDPW01} 01 {ORDERS}"),
    "0.1 worker REQUEST": (f.worker_request(b"C", [b"body"]), f"- {MDPW01} 02 {CLIENT} - {BODY}"),
    "0.1 worker REPLY": (f.worker_reply(b"C", [b"done"]), f"- {MDPW01} 03 {CLIENT} - {DONE}"),
    "0.1 HEARTBEAT": (f.heartbeat(), f"- {MDPW01} 04"),
    "0.1 DISCONNECT": (f.disconnect(), f"- {MDPW01} 05"),
    "0.2 client REQUEST": (f.client_request(b"orders", [b"body"], f.V2), f"{MDPC02} 01 {ORDERS} {BODY}"),
    "0.2 client PARTIAL": (
        f.client_answer(b"orders", [b"done"], f.V2, final=False),
        f"{MDPC02} 02 {ORDERS} {DONE}",
    ),
    "0.2 client FINAL": (f.client_answer(b"orders", [b"done"], f.V2), f"{MDPC02} 03 {ORDERS} {DONE}"),
    "0.2 READY": (f.ready(b"orders", f.V2), f"{MDPW02} 01 {ORDERS}"),
    "0.2 worker REQUEST": (f.worker_request(b"C", [b"body"], f.V2), f"{MDPW02} 02 {CLIENT} - {BODY}"),
    "0.2 worker FINAL": (f.worker_reply(b"C", [b"done"], f.V2), f"{MDPW02} 04 {CLIENT} - {DONE}"),
    "0.2 HEARTBEAT": (f.heartbeat(f.V2), f"{MDPW02} 05"),
    "0.2 DISCONNECT": (f.disconnect(f.V2), f"{MDPW02} 06"),
}

#: "\0AK1", then a msgpack map. `81 a2 6d 73 cd 05 dc` is {"ms": 1500}.
HEADERS: dict[str, tuple[f.RequestHeader | f.ErrorHeader, str]] = {
    "a request that waits for 1.5 s": (f.RequestHeader(ms=1500), "00414b31 81 a26d73 cd05dc"),
    "a request that says nothing": (f.RequestHeader(), "00414b31 80"),
    "a refusal by a broker that drains": (
        f.ErrorHeader(status=503, error="draining", draining=True),
        "00414b31 83 a6737461747573 cd01f7 a56572726f72 a8647261696e696e67 a8647261696e696e67 c3",
    ),
    "a failure in a worker": (
        f.ErrorHeader(status=404, error="no", by="worker"),
        "00414b31 83 a6737461747573 cd0194 a56572726f72 a26e6f a26279 a6776f726b6572",
    ),
}


def drawn(parts: list[f.Part]) -> str:
    return " ".join(part.hex() or "-" for part in parts if isinstance(part, bytes))


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_written_as_it_always_was(name: str) -> None:
    message, expected = MESSAGES[name]
    assert drawn(message) == expected


@pytest.mark.parametrize("name", HEADERS)
def test_an_extension_header_is_written_and_read_as_it_always_was(name: str) -> None:
    header, expected = HEADERS[name]
    written = bytes.fromhex(expected)
    assert f.write_header(header).hex() == written.hex()
    if isinstance(header, f.RequestHeader):
        assert f.read_request_header(written) == header
    else:
        assert f.read_error_header([written]) == header


def test_the_only_command_that_we_never_send_is_read_as_it_always_was() -> None:
    assert (f.V1.partial, f.V2.partial) == (None, b"\x03")  # a worker's PARTIAL


def test_names_that_both_ends_know_are_what_they_always_were() -> None:
    assert (f.EXTENSION, f.OUR_WORKER, f.MMI, f.DRAINING) == (b"\x00AK1", b"AK1", b"mmi.", b"mmi.draining")
    assert (f.PROCESS_BYTES, f.SLOT_BYTES) == (8, 9)


def test_a_registration_service_is_spoken_to_as_it_always_was() -> None:
    assert (HEADER, ANNOUNCE, LEAVE, LIST, BROKERS) == (b"AKREG1", b"announce", b"leave", b"list", b"brokers")
    announcement = Announcement(endpoint="tcp://b:1", ttl_s=1.5)
    assert msgspec.msgpack.encode(announcement) == (
        b"\x82\xa8endpoint\xa9tcp://b:1\xa5ttl_s\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"
    )
    listing = Listing(brokers=[Broker(endpoint="tcp://b:1", age_s=0.0)], complete=True)
    assert msgspec.msgpack.encode(listing) == (
        b"\x82\xa7brokers\x91\x82\xa8endpoint\xa9tcp://b:1\xa5age_s\xcb\x00\x00\x00\x00\x00\x00\x00\x00\xa8complete\xc3"
    )
