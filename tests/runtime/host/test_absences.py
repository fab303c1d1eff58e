"""Since when connections have no peer."""

from __future__ import annotations

from actorkit.host.absences import Absences


def test_a_connection_without_a_peer_is_told_with_the_time_since_it_was_first_seen_so() -> None:
    absences = Absences()
    absences.look(["a"], 10.0)
    absences.look(["a", "b"], 14.0)
    assert absences.look(["a", "b"], 15.0) == "no peer behind a for 5 s, b for 1 s"


def test_a_peer_that_came_back_and_went_again_is_missed_anew() -> None:
    absences = Absences()
    absences.look(["a"], 10.0)
    assert absences.look([], 20.0) == ""
    absences.look(["a"], 30.0)
    assert absences.look(["a"], 31.0) == "no peer behind a for 1 s"
