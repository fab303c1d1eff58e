"""Frame layouts, as the RFCs draw them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorkit.mdp import frames as f
from actorkit.mdp.errors import FrameError
from tests import garbage


def test_commands_of_01_are_those_of_rfc_7() -> None:
    assert f.client_request(b"s", [b"1", b"2"]) == [b"", b"MDPC01", b"s", b"1", b"2"]
    assert f.client_answer(b"s", [b"1"]) == [b"", b"MDPC01", b"s", b"1"]
    assert f.ready(b"s") == [b"", b"MDPW01", b"\x01", b"s"]
    assert f.worker_request(b"c", [b"1"]) == [b"", b"MDPW01", b"\x02", b"c", b"", b"1"]
    assert f.worker_reply(b"c", [b"1"]) == [b"", b"MDPW01", b"\x03", b"c", b"", b"1"]
    assert f.heartbeat() == [b"", b"MDPW01", b"\x04"]
    assert f.disconnect() == [b"", b"MDPW01", b"\x05"]


def test_commands_of_02_are_those_of_rfc_18() -> None:
    assert f.client_request(b"s", [b"1"], f.V2) == [b"MDPC02", b"\x01", b"s", b"1"]
    assert f.client_answer(b"s", [b"1"], f.V2, final=False) == [b"MDPC02", b"\x02", b"s", b"1"]
    assert f.client_answer(b"s", [b"1"], f.V2) == [b"MDPC02", b"\x03", b"s", b"1"]
    assert f.ready(b"s", f.V2) == [b"MDPW02", b"\x01", b"s"]
    assert f.worker_request(b"c", [b"1"], f.V2) == [b"MDPW02", b"\x02", b"c", b"", b"1"]
    assert f.worker_reply(b"c", [b"1"], f.V2) == [b"MDPW02", b"\x04", b"c", b"", b"1"]
    assert f.heartbeat(f.V2) == [b"MDPW02", b"\x05"]
    assert f.disconnect(f.V2) == [b"MDPW02", b"\x06"]


def test_what_a_broker_sends_is_read_back() -> None:
    request = [part for part in f.worker_request(b"c", [b"1", b""]) if isinstance(part, bytes)]
    assert f.parse_command(request) == f.Command(b"\x02", b"c", [b"1", b""])
    assert f.parse_command([b"", b"MDPW01", b"\x04"]).command == f.V1.heartbeat
    assert f.parse_answer([b"", b"MDPC01", b"s", b"1"], b"s") == [b"1"]


def test_an_answer_from_another_service_is_refused() -> None:
    with pytest.raises(FrameError, match="is from service b't', not b's'"):
        f.parse_answer([b"", b"MDPC01", b"t", b"1"], b"s")


@given(st.lists(st.one_of(st.binary(max_size=8), st.sampled_from([b"", b"MDPC01", b"MDPW01", b"\x02", b"\x04"]))))
def test_any_frames_are_read_or_refused(frames: list[bytes]) -> None:
    for read in (f.parse_command, lambda frames: f.parse_answer(frames, b"s")):
        try:
            read(frames)
        except FrameError as exc:
            assert str(exc)  # noqa: PT017


@given(st.binary())
def test_any_bytes_after_the_mark_are_a_header_or_refused(raw: bytes) -> None:
    f.read_error_header([f.EXTENSION + raw])
    try:
        f.read_request_header(f.EXTENSION + raw)
    except FrameError as exc:
        assert "not a header" in str(exc)  # noqa: PT017


@pytest.mark.parametrize("header", [b"\x81\xa2ms\xa1x", *garbage.MAPS[1:]])
def test_a_header_that_cannot_be_read_is_refused(header: bytes) -> None:
    with pytest.raises(FrameError, match="not a header"):
        f.read_request_header(f.EXTENSION + header)


@given(st.integers(0, 2**40), st.text())
def test_headers_are_read_back(ms: int, text: str) -> None:
    assert f.read_request_header(f.write_header(f.RequestHeader(ms=ms))) == f.RequestHeader(ms=ms)
    header = f.ErrorHeader(status=503, error=text)
    assert f.read_error_header([f.write_header(header)]) == header


@pytest.mark.parametrize(
    ("name", "valid"),
    [(b"orders", True), ("Aufträge".encode(), True), (b"", False), (b"a\nb", False), (b"\xff", False)],
)
def test_a_service_name_is_printable(name: bytes, valid: bool) -> None:
    assert f.is_service_name(name) is valid


def test_a_routing_id_is_shown_as_text_or_hexadecimal() -> None:
    assert f.show(b"w1") == "w1"
    assert f.show(b"\x00\x01") == "0001"
