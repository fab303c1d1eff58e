"""An event can be put into an inbox by hand, and what becomes of it comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fleet import Fleet
from tests.runtime.admin.acting import Circle, ask, told
from tests.until import until


@pytest.fixture
def circle(fleet: Fleet, tmp_path: Path) -> Circle:
    return Circle(fleet, tmp_path)


def test_an_event_that_is_put_comes_back_with_its_answer_when_it_is_finished(circle: Circle) -> None:
    done = circle.put(1)
    assert done["finished"]
    (answer,) = done["answers"]
    assert (answer["actor"], answer["body"], answer["trace"]) == ("front", {"text": '{"number":1}'}, done["trace"])
    assert answer["trail"] == ["operator", "pass"]
    assert done["failures"] == []


def test_a_failure_comes_back_with_its_reason(circle: Circle) -> None:
    done = circle.put(7)
    (failure,) = done["failures"]
    assert (done["finished"], done["answers"]) == (True, [])
    assert (failure["kind"], failure["message"], failure["actor"]) == ("MalformedEvent", "not this one", "pass")


def test_an_event_that_takes_longer_is_told_of_and_goes_on(fleet: Fleet, tmp_path: Path) -> None:
    circle = Circle(fleet, tmp_path, pause_s=1.0)
    data = b'{"number": 1}'
    status, text = ask(circle.passing, "/put", circle.token, data, {"format": "json", "seconds": "0.1"})
    assert (status, json.loads(text)["finished"]) == (504, False)
    assert circle.passing.stop() == 0


def test_who_does_not_wait_is_answered_at_once_and_the_event_is_consumed(circle: Circle) -> None:
    status, text = ask(circle.passing, "/put", circle.token, b'{"number": 7}', {"format": "json", "seconds": 0})
    trace = json.loads(text)["trace"]
    assert (status, json.loads(text)["finished"]) == (202, False)
    until(lambda: [one["trace"] for one in told(circle.passing, "/recent")["failures"]] == [trace], "it has failed")


def test_attributes_and_the_http_side_go_with_it(circle: Circle) -> None:
    context = {
        "service": "orders",
        "attributes": {"kind": "express"},
        "http": {"path": "/in", "headers": {"Host": "a"}},
    }
    (answer,) = circle.put(1, context=json.dumps(context))["answers"]
    assert (answer["service"], answer["attributes"]) == ("orders", {"kind": "express"})
    assert answer["http"] == {"method": "POST", "path": "/in", "headers": {"host": "a"}}


def test_what_cannot_be_put_is_told_in_one_line(circle: Circle) -> None:
    for query, wanted in (
        ({"format": "yaml"}, "there is no such format; there are nothing, bytes, text, json, xml, form"),
        ({"seconds": "none"}, "seconds=none is not between 0 and 600"),
        ({"context": '{"colour": 1}'}, 'context={"colour": 1}: Object contains unknown field `colour`'),
        ({"colour": "red"}, "there is no colour=; there are inbox, format, context, answers, seconds"),
        ({"inbox": "a#b"}, '"a#b" is not a name for an inbox'),
    ):
        assert ask(circle.passing, "/put", circle.token, b"{}", query) == (400, f"{wanted}\n")


def test_without_the_token_nothing_is_put(circle: Circle) -> None:
    for token in ("", "wrong"):
        status, text = ask(circle.passing, "/put", token, b"{}")
        assert (status, text) == (401, "say Authorization: Bearer, and the token of this instance\n")
    assert told(circle.passing, "/recent")["sampled"] == []


def test_an_instance_that_was_given_no_token_does_nothing_for_anybody(fleet: Fleet) -> None:
    process = fleet.start("pass", "tests.probes:Pass")
    until(lambda: process.admin, "the admin server is there")
    told = "this instance has no token: set ACTORKIT_ADMIN_TOKEN\n"
    assert ask(process, "/put", "any", b"{}") == (403, told)
    assert ask(process, "/tap", "any") == (403, told)


def test_the_file_of_a_token_is_its_owners_alone(circle: Circle) -> None:
    assert circle.file.stat().st_mode & 0o777 == 0o600
    assert len(circle.token) > 40
