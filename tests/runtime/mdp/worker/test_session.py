"""A worker's side of the protocol, rule by rule, without a socket."""

from __future__ import annotations

from actorkit.mdp.frames import OUR_WORKER
from actorkit.mdp.worker.session import WorkerSession

BEAT = [b"", b"MDPW01", b"\x04"]
BYE = [b"", b"MDPW01", b"\x05"]


def begin() -> WorkerSession:
    talk = WorkerSession(b"echo", heartbeat_s=1.0, liveness=3, now=0.0)
    assert talk.begin() == [[b"", b"MDPW01", b"\x01", b"echo"]]
    return talk


def request(client: bytes = b"c") -> list[bytes]:
    return [b"", b"MDPW01", b"\x02", client, b"", b"hi"]


def test_rule_16_every_session_has_an_identity_of_its_own() -> None:
    assert begin().identity != begin().identity
    assert begin().identity.startswith(OUR_WORKER)


def test_rule_17_registration_is_taken_for_granted_until_the_broker_falls_silent() -> None:
    talk = begin()
    assert talk.tick(0.5) == []
    assert talk.tick(1.4) == [BEAT]
    assert talk.tick(2.3) == []
    assert talk.tick(2.9) == [BEAT]
    assert not talk.ended
    assert talk.tick(3.0) == []
    assert talk.ended


def test_a_worker_that_stood_still_itself_does_not_hold_the_silence_against_the_broker() -> None:
    talk = begin()
    talk.on_message(request(), 0.5)
    talk.tick(0.6)
    assert talk.tick(60.0) == [BEAT]
    assert not talk.ended
    for now in (60.9, 61.8, 62.7):
        talk.tick(now)
    assert not talk.ended
    talk.tick(63.0)
    assert talk.ended, "the broker is silent yet"


def test_rule_18_nothing_is_said_after_a_disconnect() -> None:
    talk = begin()
    talk.on_message(request(), 0.1)
    assert talk.on_message(BYE, 0.2) is None
    assert talk.ended
    assert talk.answer([b"late"], 0.3) == []
    assert talk.tick(10.0) == []
    assert talk.drain() == []


def test_rule_19_the_answer_carries_the_client_and_the_empty_frame() -> None:
    talk = begin()
    assert talk.on_message(request(b"abc"), 0.1) == [b"hi"]
    assert talk.answer([b"1", b"2"], 0.2) == [[b"", b"MDPW01", b"\x03", b"abc", b"", b"1", b"2"]]


def test_an_answer_without_frames_has_one_empty_frame() -> None:
    talk = begin()
    talk.on_message(request(), 0.1)
    assert talk.answer([], 0.2) == [[b"", b"MDPW01", b"\x03", b"c", b"", b""]]


def test_heartbeats_of_the_broker_keep_the_session() -> None:
    talk = begin()
    for second in range(1, 20):
        talk.on_message(BEAT, float(second))
        talk.tick(float(second))
    assert not talk.ended


def test_a_heartbeat_is_answered_with_one_so_that_a_broker_with_a_shorter_interval_hears_enough() -> None:
    talk = begin()
    said = []
    for number in range(1, 9):
        now = 0.1 * number
        talk.on_message(BEAT, now)
        said += talk.tick(now)
        assert talk.tick(now) == []
    assert said == [BEAT] * 8


def test_rule_14_a_heartbeat_is_not_answered_when_something_was_said_a_moment_ago() -> None:
    talk = begin()
    talk.on_message(BEAT, 0.4)
    assert talk.tick(0.4) == [BEAT]
    talk.on_message(request(), 0.5)
    talk.answer([b"x"], 0.7)
    talk.on_message(BEAT, 0.8)
    assert talk.tick(0.8) == []
    talk.on_message(BEAT, 1.2)
    assert talk.tick(1.2) == [BEAT]


def test_a_second_request_before_the_answer_ends_it() -> None:
    talk = begin()
    talk.on_message(request(), 0.1)
    assert talk.on_message(request(b"d"), 0.2) is None
    assert talk.ended


def test_draining_says_goodbye_at_once_when_idle() -> None:
    talk = begin()
    assert talk.drain() == [BYE]
    assert talk.ended


def test_draining_says_goodbye_after_the_answer_when_busy() -> None:
    talk = begin()
    talk.on_message(request(), 0.1)
    assert talk.drain() == []
    assert talk.answer([b"x"], 0.2) == [[b"", b"MDPW01", b"\x03", b"c", b"", b"x"], BYE]
    assert talk.ended


def test_what_is_no_command_is_dropped() -> None:
    talk = begin()
    for junk in ([], [b""], [b"x", b"y"], [b"", b"MDPW01", b"\x02"], [b"", b"MDPW02", b"\x04"]):
        assert talk.on_message(junk, 0.1) is None
    assert not talk.ended
    assert repr(talk) == "<WorkerSession about echo: idle>"
