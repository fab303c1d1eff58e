"""All texts inside a value are changed, as deep as it goes."""

from __future__ import annotations

from typing import Any

from actorkit.observe import texts


def test_all_texts_are_changed_and_nothing_else() -> None:
    value = {"b": ["x", 1, None, ("y", {"x": "z"})], "a": "x", "c": {}, "d": [], "e": 1.5, "f": True, "g": b"x"}
    copy = texts.change_texts(value, str.upper)
    assert copy == {"b": ["X", 1, None, ["Y", {"x": "Z"}]], "a": "X", "c": {}, "d": [], "e": 1.5, "f": True, "g": b"x"}
    assert list(copy) == list(value)
    assert value["a"] == "x"
    assert texts.change_texts("x", str.upper) == "X"
    assert texts.change_texts(7, str.upper) == 7


def test_a_value_of_any_depth_is_gone_through() -> None:
    value: Any = "x"
    for number in range(100_000):
        value = {"a": value} if number % 2 else [value]
    copy = texts.change_texts(value, str.upper)
    for number in reversed(range(100_000)):
        copy = copy["a"] if number % 2 else copy[0]
    assert copy == "X"
