"""pagination: a page of a request, and the links of its answer."""

from __future__ import annotations

from typing import Any

import pytest

from actorkit import Event, Http, JSONEvent
from actorkit.testing import Harness
from actorkit_actors.http.pagination import Pagination


def passed(data: Any = None, query: dict[str, list[str]] | None = None, path: str = "/a", **params: Any) -> Event:
    with Harness(Pagination, **params) as harness:
        harness.put(JSONEvent(data, http=Http("GET", path, query or {})))
        assert harness.errors == []
        [event] = harness.taken()
    return event


def links(event: Event) -> list[str]:
    assert event.http is not None
    return [value for name, value in event.http.reply_headers if name == "Link"]


@pytest.mark.parametrize(
    ("query", "page"),
    [({}, (50, 0)), ({"limit": ["7"], "offset": ["3"]}, (7, 3)), ({"limit": ["5000"]}, (1000, 0))],
)
def test_the_page_is_in_attributes_for_what_answers(query: dict[str, list[str]], page: tuple[int, int]) -> None:
    event = passed({"a": 1}, query, ask=True)
    assert (event.get("limit"), event.get("offset")) == page
    assert event.data == {"a": 1}


@pytest.mark.parametrize(
    ("entries", "offset", "expected"),
    [
        (2, 0, ['</a?limit=2&offset=2>; rel="next"']),
        (1, 0, []),
        (0, 4, ['</a?offset=2&limit=2>; rel="prev"']),
        (2, 1, ['</a?offset=0&limit=2>; rel="prev", </a?offset=3&limit=2>; rel="next"']),
    ],
)
def test_a_full_page_has_a_next_one_and_one_that_does_not_begin_at_0_a_previous_one(
    entries: int, offset: int, expected: list[str]
) -> None:
    event = passed([1] * entries, {"offset": [str(offset)]} if offset else {}, limit=2)
    assert links(event) == expected
    assert event.data == [1] * entries


def test_the_links_are_a_part_of_the_data_where_that_is_wanted() -> None:
    event = passed([1, 2], {"offset": ["2"]}, limit=2, links="data")
    assert event.data == {"data": [1, 2], "_pagination": {"prev": "/a?offset=0&limit=2", "next": "/a?offset=4&limit=2"}}


def test_nothing_of_a_request_gets_out_of_its_place_in_a_link() -> None:
    event = passed([1], {"q": ['"> x\r\nX: 1', "ä"]}, path="/ä>\r\n,", limit=1)
    [link] = links(event)
    assert link == '</%C3%A4%3E%0D%0A%2C?q=%22%3E+x%0D%0AX%3A+1&q=%C3%A4&limit=1&offset=1>; rel="next"'


@pytest.mark.parametrize("query", [{"limit": ["0"]}, {"offset": ["-1"]}, {"limit": ["x"]}, {"offset": ["9" * 30]}])
def test_what_is_no_page_is_400(query: dict[str, list[str]]) -> None:
    with Harness(Pagination) as harness:
        harness.put(JSONEvent([1], http=Http("GET", "/a", query)))
        assert [event.failure.status for event in harness.errors if event.failure] == [400]


def test_what_is_no_list_or_has_no_request_goes_on_as_it_is() -> None:
    assert links(passed({"a": 1}, limit=1)) == []
    with Harness(Pagination, limit=1) as harness:
        harness.put(JSONEvent([1]), Event("text", http=Http()))
        assert [event.data for event in harness.taken()] == [[1], "text"]
