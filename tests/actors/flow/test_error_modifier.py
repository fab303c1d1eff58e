"""error-modifier: failures are given, changed and taken away."""

from __future__ import annotations

from typing import Any

import pytest

from actorkit import Event, Failure, Http, JSONEvent, XMLEvent
from actorkit.errors import ErrorMessage, SettingsError
from actorkit.testing import Harness
from actorkit_actors.flow.error_modifier import ErrorModifier


def failed_with(event: Event, **params: Any) -> Failure:
    harness = Harness(ErrorModifier, action="fail", **params)
    harness.put(event)
    assert harness.taken() == []
    [failed] = harness.errors
    assert failed.encoded() == event.encoded()
    assert failed.failure is not None
    return failed.failure


def passed(event: Event, **params: Any) -> Event:
    harness = Harness(ErrorModifier, **params)
    harness.put(event)
    assert harness.errors == []
    [got] = harness.taken()
    assert got.trace == event.trace
    return got


def broken(data: Any = "x", http: Http | None = None) -> Event:
    event = Event(data, http=http)
    messages = [ErrorMessage("a", "A", {"at": 1}), ErrorMessage("b")]
    event.failure = Failure("Conflict", "a; b", 409, "down", {"at": 1}, "A", messages)
    return event


@pytest.mark.parametrize(
    ("status", "kind"), [(0, "MalformedEvent"), (404, "NotFound"), (429, "RateExceeded"), (418, "GivenError")]
)
def test_an_event_fails_as_it_is_told_to(status: int, kind: str) -> None:
    failure = failed_with(Event("x"), status=status, message="no", code="c")
    assert (failure.kind, failure.status, failure.message, failure.code) == (kind, status or 400, "no", "c")


def test_the_message_is_taken_from_the_event_where_there_is_one() -> None:
    assert failed_with(JSONEvent({"error": "why"}), message="no", message_from="data/error").message == "why"
    assert failed_with(JSONEvent({}), message="no", message_from="data/error").message == "no"
    assert failed_with(XMLEvent("<e><m>Ü</m></e>"), message_from={"xpath": "/e/m"}).message == "Ü"
    assert failed_with(Event("x"), message_from={"xpath": "/e/m"}).message
    assert len(failed_with(Event("x" * 100_000), message_from="data").message) == 10_000


def test_the_code_is_taken_from_the_event_where_there_is_one() -> None:
    said: dict[str, Any] = {"message": "no", "code": "X", "code_from": "data/code"}
    assert failed_with(JSONEvent({"code": 7}), **said).code == "7"
    assert failed_with(JSONEvent({}), **said).code == "X"
    assert failed_with(XMLEvent("<e><c>C9</c></e>"), message="no", code_from={"xpath": "/e/c"}).code == "C9"
    changed = passed(broken({"code": "C1"}), action="change", code_from="data/code").failure
    assert changed is not None
    assert (changed.code, changed.status) == ("C1", 409)


def test_a_failure_is_changed_and_the_rest_of_it_stays() -> None:
    failure = passed(broken(), action="change", status=503, message="later").failure
    assert failure is not None
    assert (failure.status, failure.message, failure.kind, failure.actor) == (503, "later", "Conflict", "down")
    assert [one.message for one in failure.errors] == ["later"]
    failure = passed(broken(), action="change", code="C").failure
    assert failure is not None
    assert (failure.status, failure.code, [one.message for one in failure.errors]) == (409, "C", ["a", "b"])


def test_a_failure_is_taken_away_and_its_event_goes_on() -> None:
    got = passed(broken(), action="clear")
    assert (got.failure, got.data) == (None, "x")


def test_a_failure_becomes_the_data() -> None:
    got = passed(broken(http=Http()), action="clear", data="failure")
    assert got.failure is None
    told = [{"message": "a", "code": "A", "details": {"at": 1}}, {"message": "b"}]
    assert got.data == {"errors": told, "status": 409}
    assert got.http is not None
    assert got.http.status == 409


@pytest.mark.parametrize("params", [{"action": "change", "status": 500}, {"action": "clear", "data": "failure"}])
def test_what_has_not_failed_goes_on_as_it_is(params: dict[str, Any]) -> None:
    got = passed(Event("x", attributes={"a": 1}), **params)
    assert (got.failure, got.data, got.attributes) == (None, "x", {"a": 1})


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"action": "fail"}, "message: give"),
        ({"action": "fail", "message": "x", "status": 200}, "status: 200"),
        ({"action": "change"}, "action: change what"),
        ({"action": "clear", "status": 500}, "status: clear"),
        ({"action": "fail", "message": "x", "data": "failure"}, "data: data belongs"),
        ({"action": "change", "message_from": {"xpath": "]"}}, "message_from"),
    ],
)
def test_what_does_not_fit_together_is_found_before_the_first_event(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Harness(ErrorModifier, **params)
