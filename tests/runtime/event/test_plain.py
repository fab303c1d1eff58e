"""What can stand inside data and attributes, as docs/events.md tells it."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import math
import uuid
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorkit import Event, UnsendableData
from tests.places import DOCS

TEXT = (DOCS / "events.md").read_text(encoding="utf-8")
HEADING = "| inside data or attributes | arrives as, in data | in attributes |"


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int = 1


class Line(msgspec.Struct):
    y: int = 2


NAMES = {name: value for name, value in globals().items() if not name.startswith("__")} | {
    "datetime": datetime.datetime,
    "date": datetime.date,
    "UTC": datetime.UTC,
    "Decimal": decimal.Decimal,
    "UUID": uuid.UUID,
    "nan": math.nan,
    "inf": math.inf,
}


def rows() -> list[tuple[str, str, str]]:
    table = TEXT[TEXT.index(f"\n{HEADING}\n") + 1 :].split("\n\n", 1)[0]
    found = []
    for line in table.splitlines()[2:]:
        given, data, attributes = (cell.strip() for cell in line.strip("|").split(" | "))
        found.append((given[1 : given.rindex("`")], data.strip("`"), attributes.strip("`")))
    return found


def value(code: str) -> Any:
    return eval(code, dict(NAMES))


@pytest.mark.parametrize(("given", "data", "attributes"), rows())
def test_a_value_arrives_as_it_is_told_or_is_refused(given: str, data: str, attributes: str) -> None:
    for expected, event in (
        (data, Event({"v": value(given)})),
        (attributes, Event(None, attributes={"v": value(given)})),
    ):
        if expected == "refused":
            with pytest.raises(UnsendableData, match=r"""(data|attributes)\['v'\].* (is|has) """):
                event.parcel()
            continue
        came = Event.received(event.parcel())
        arrived = came.data["v"] if came.data else came.attributes["v"]
        assert (repr(arrived), type(arrived)) == (repr(value(expected)), type(value(expected)))


def test_what_is_refused_is_found_anywhere() -> None:
    with pytest.raises(UnsendableData, match=r"data\['a'\]\[1\]\.x is of the type set; use a list"):
        Event({"a": [0, Point({1})]}).encoded()  # type: ignore[arg-type]  # on purpose


def test_data_that_holds_itself_is_refused() -> None:
    circle: list[Any] = [{1}]
    circle.append(circle)
    with pytest.raises(UnsendableData, match="cannot be written as JSON"):
        Event(circle).encoded()


def test_tuples_and_numbers_of_any_size_pass() -> None:
    data = {"t": (1, 2.5), "n": 1 << 70, "f": -0.0, "e": 1e308, "b": True, "none": None}
    assert json.loads(Event(data).encoded()[1]) == {**data, "t": [1, 2.5]}


KEYS = st.text(max_size=3) | st.integers() | st.none() | st.booleans() | st.floats()
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.sets(st.integers(), max_size=2)
        | st.frozensets(st.integers(), max_size=2)
    ),
    max_leaves=8,
)


@given(ANYTHING)
def test_no_value_becomes_another_one_without_a_word(inner: Any) -> None:
    for event in (Event([inner]), Event(None, attributes={"v": inner})):
        try:
            came = Event.received(event.parcel())
        except UnsendableData:
            continue
        arrived = came.data[0] if came.data else came.attributes["v"]
        assert repr(arrived) == repr(inner)
