"""A tap shows what passes a box, within its bounds, and holds nothing up."""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from actorkit.admin.tap import Tap
from actorkit.admin.where import read_where
from actorkit.errors import SettingsError
from actorkit.event.context import Context, Http, encode_context
from actorkit.event.parcel import Parcel
from tests.fleet import Fleet
from tests.runtime.admin.acting import Circle, ask, lines, told
from tests.until import until


@pytest.fixture
def circle(fleet: Fleet, tmp_path: Path) -> Circle:
    return Circle(fleet, tmp_path)


def tapping(circle: Circle, **query: str | int) -> list[dict[str, Any]]:
    """What a tap of `pass` shows of the numbers 1, 2 and 3."""
    with ThreadPoolExecutor() as pool:
        shown = pool.submit(lines, circle.passing, circle.token, **{"seconds": 20, **query})
        until(lambda: "is open" in circle.passing.said(), "the tap is open")
        for number in (1, 2, 3):
            circle.put(number, answers="")
        return shown.result()


def test_a_tap_of_an_actor_shows_what_comes_in(circle: Circle) -> None:
    *shown, end = tapping(circle, events=3, bodies=1)
    assert [one["body"]["text"] for one in shown] == ['{"number": 1}', '{"number": 2}', '{"number": 3}']
    assert [one["inbox"] for one in shown] == ["front"] * 3
    assert (end["end"], end["shown"], end["unseen"]) == ("events", 3, 0)


def test_a_tap_of_an_outbox_shows_what_is_sent_there(circle: Circle) -> None:
    *shown, end = tapping(circle, events=3, bodies=1, outbox="front")
    assert [(one["outbox"], one["destination"], one["trail"]) for one in shown] == [
        ("front", "front", ["operator", "pass"])
    ] * 3
    assert end["end"] == "events"


def test_bodies_are_shown_where_they_are_asked_for(circle: Circle) -> None:
    *shown, _ = tapping(circle, events=3)
    assert all("body" not in one for one in shown)


def test_a_tap_shows_only_what_is_where_it_should_be(circle: Circle) -> None:
    *shown, end = tapping(circle, events=1, bodies=1, where="data/number=2")
    assert [one["body"]["text"] for one in shown] == ['{"number": 2}']
    assert end["end"] == "events"


def test_a_tap_ends_with_its_time_and_leaves_nothing_behind(circle: Circle) -> None:
    (end,) = lines(circle.passing, circle.token, seconds="0.2")
    assert (end["end"], end["shown"]) == ("seconds", 0)
    assert circle.put(1)["finished"]


def test_what_cannot_be_tapped_is_told_in_one_line(circle: Circle) -> None:
    for query, wanted in (
        ({"outbox": "x"}, 'there is no outbox "x"; there are front'),
        ({"inbox": "x"}, 'nobody sends to an inbox "x" here; there are front'),
        ({"inbox": "front", "outbox": "front"}, "say inbox= or outbox=, not both"),
        ({"events": "0"}, "events=0 is not between 0 and 100000"),
        ({"where": "$["}, 'where: jsonpath: "$[" is no JSONPath: '),
        ({"bodies": "yes"}, "bodies= is 1 or 0"),
    ):
        status, text = ask(circle.passing, "/tap", circle.token, query=query)
        assert (status, text.count("\n"), text[: len(wanted)]) == (400, 1, wanted)


def test_who_hangs_up_closes_the_tap(circle: Circle) -> None:
    for _ in range(6):  # more than there may be at a time
        host = circle.passing.admin.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.request("GET", "/tap?seconds=600", headers={"Authorization": f"Bearer {circle.token}"})
        assert connection.getresponse().status == 200
        connection.close()
        until(lambda: circle.passing.said().count("is open") == circle.passing.said().count("is closed"))


def parcel(data: object, **more: Any) -> Parcel:
    context = Context("orders", {"kind": "express"}, Http(headers={"authorization": "Basic eA==", "host": "a"}))
    return Parcel(1, 0, "j", json.dumps(data).encode(), encode_context(context), **more)


def test_a_tap_that_has_no_time_left_lets_events_pass_and_counts_them() -> None:
    clock = iter(range(1_000_000))
    tap = Tap(10, 1 << 20, 30.0, watch=lambda: next(clock) * 1.0)
    tap.see({}, [parcel(1)] * 5)
    tap.see({}, [parcel(1)] * 5)
    assert (tap.shown, tap.unseen) == (1, 9)


def test_a_tap_that_nobody_reads_lets_events_pass_and_counts_them() -> None:
    tap = Tap(100_000, 1 << 30, 30.0, watch=lambda: 0.0)
    for _ in range(30):
        tap.see({}, [parcel(1)] * 100)
    assert (tap.shown, tap.unseen) == (1000, 2000)


def test_a_tap_ends_before_it_has_shown_too_many_bytes() -> None:
    tap = Tap(100, 1000, 30.0, watch=lambda: 0.0)
    tap.see({}, [parcel("x" * 300)] * 5)
    *shown, end = b"".join(tap.lines()).splitlines()
    assert sum(len(line) + 1 for line in shown) <= 1000
    assert json.loads(end)["end"] == "bytes"


def test_header_fields_that_hold_credentials_are_not_shown() -> None:
    tap = Tap(1, 1000, 30.0)
    tap.see({}, [parcel(1)])
    (shown, _) = b"".join(tap.lines()).splitlines()
    assert json.loads(shown)["http"]["headers"] == {"authorization": "[secret]", "host": "a"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("attributes/kind=express", True),
        ("attributes/kind=slow", False),
        ("attributes/kind!=slow", True),
        ("attributes/other", False),
        ("service=orders", True),
        ("http/headers/host", True),
        ("data~Berlin", True),
        ("data/lines/0/count=3", True),
        ("$.lines[?@.count==3].what=pen", True),
        ("$.lines[0].what~pe", True),
        ("trace=0000000000000001", True),
        ("//total=3", False),
    ],
)
def test_a_condition_is_a_place_and_what_is_there(text: str, holds: bool) -> None:
    event = parcel({"to": "Berlin", "lines": [{"what": "pen", "count": 3}]})
    assert read_where(text)(event) is holds


def test_a_condition_finds_in_xml() -> None:
    event = Parcel(1, 0, "x", b"<order><total>3</total></order>", b"")
    assert read_where("//total=3")(event)
    assert read_where("/order/total[. = 3]")(event)
    assert not read_where("//total=4")(event)


def test_a_condition_that_is_none_is_told() -> None:
    with pytest.raises(SettingsError, match='"//a\\[" is no XPath'):
        read_where("//a[")


def test_recent_tells_heads_and_failures_with_their_attempts(fleet: Fleet, tmp_path: Path) -> None:
    circle = Circle(fleet, tmp_path, retries=2, backoff_s=0.01, retry_on=["MalformedEvent"])
    done = circle.put(7, context=json.dumps({"attributes": {"kind": "express"}, "http": {"headers": {"Cookie": "x"}}}))
    recent = told(circle.passing, "/recent")
    (failed,) = recent["failures"]
    (sampled,) = recent["sampled"]
    assert (recent["actor"], recent["instance"].startswith("vm") or recent["instance"]) != ("", "")
    assert (failed["trace"], failed["attempts"], failed["failure"]["kind"]) == (done["trace"], 3, "MalformedEvent")
    assert (sampled["id"], sampled["inbox"], sampled["from"][:8]) == (failed["id"], "front", "operator")
    assert sampled["seconds"] >= 0.03
    assert "body" not in sampled
    assert "attributes" not in sampled
    assert sampled["http"]["headers"] == {"cookie": "[secret]"}
