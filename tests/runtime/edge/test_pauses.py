"""Addresses that refuse a session are asked again, with growing pauses."""

from __future__ import annotations

from actorkit.edge.pauses import FIRST_S, LONGEST_S, MAX_ADDRESSES, Pauses
from tests.fleet import Fleet
from tests.until import until


def test_each_pause_is_twice_as_long_up_to_the_longest() -> None:
    pauses, now, lengths = Pauses(), 100.0, []
    for _ in range(10):
        pauses.begin("tcp://a:1", "topology", now)
        assert not pauses.is_over("tcp://a:1", now)
        assert pauses.is_over("tcp://b:1", now)
        length = FIRST_S
        while not pauses.is_over("tcp://a:1", now + length):
            length = min(LONGEST_S, length * 2)
        lengths.append(length)
        now += length
    assert lengths[:4] == [FIRST_S, FIRST_S * 2, FIRST_S * 4, FIRST_S * 8]
    assert lengths[-1] == LONGEST_S


def test_where_there_only_is_no_room_pauses_stay_short() -> None:
    pauses, now = Pauses(), 100.0
    for _ in range(10):
        pauses.begin("tcp://a:1", "full", now, grows=False)
        assert not pauses.is_over("tcp://a:1", now)
        now += FIRST_S
        assert pauses.is_over("tcp://a:1", now)


def test_a_refusal_is_news_once_for_each_reason_and_old_ones_are_forgotten() -> None:
    pauses = Pauses()
    assert [pauses.begin("tcp://a:1", why, 0.0) for why in ("topology", "topology", "version")] == [True, False, True]
    pauses.begin("tcp://a:1", "version", 1000.0)
    assert pauses.is_over("tcp://a:1", 1000.0 + FIRST_S)
    for number in range(2 * MAX_ADDRESSES):
        pauses.begin(f"tcp://a:{number}", "topology", 0.0)
    assert repr(pauses) == f"<Pauses {MAX_ADDRESSES} addresses>"


def test_who_is_refused_keeps_nobody_busy_and_says_so_once(fleet: Fleet) -> None:
    other = fleet.start("sink", "tests.probes:Pass", topology="other")
    until(other.ready, "it is ready")
    source = fleet.start("source", "tests.probes:Source", outbox_out="sink", params='{"count": 1}')
    refusals = "actorkit_frames_rejected_total"
    until(lambda: other.metric(refusals, reason="topology") >= 3, "it is asked again")
    said = source.log.read_text()
    assert said.count("the peer refuses: topology") == 1, said
    assert other.metric(refusals, reason="topology") < 20
