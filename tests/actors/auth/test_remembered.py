"""Logins that were right, without an actor."""

from __future__ import annotations

from actorkit_actors.auth.remembered import Remembered


def test_a_login_is_known_by_its_digest() -> None:
    remembered = Remembered()
    remembered.add(b"1", "ann")
    assert (remembered.name_of(b"1"), remembered.name_of(b"2")) == ("ann", None)


def test_the_one_not_used_for_longest_goes_when_there_are_too_many() -> None:
    remembered = Remembered(most=2)
    remembered.add(b"1", "ann")
    remembered.add(b"2", "bob")
    remembered.name_of(b"1")
    remembered.add(b"3", "eve")
    assert [remembered.name_of(digest) for digest in (b"1", b"2", b"3")] == ["ann", None, "eve"]
    assert repr(remembered) == "<Remembered 2 of at most 2 logins>"
