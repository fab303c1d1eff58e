"""Errors: their messages, codes and details, what an HTTP answer has to say with them, and how they travel."""

from __future__ import annotations

import inspect

import pytest

import actorkit
from actorkit import (
    ActorkitError,
    ErrorMessage,
    Event,
    Failure,
    MalformedEvent,
    MethodNotAllowed,
    NotModified,
    RateExceeded,
    ServiceUnavailable,
    Unauthorized,
    errors,
)
from actorkit.errors import CHALLENGE
from actorkit.observe import redact


def over_the_wire(error: BaseException) -> Failure:
    failure = Event.received(Event("x").failed(Failure.of(error, "place")).parcel()).failure
    assert failure is not None
    return failure


def test_several_messages_share_their_code() -> None:
    failure = over_the_wire(MalformedEvent(["e1", "e2"], code="C9"))
    assert (failure.message, failure.code, failure.status) == ("e1; e2", "C9", 400)
    assert failure.errors == [ErrorMessage("e1", "C9"), ErrorMessage("e2", "C9")]


def test_a_message_may_have_a_code_and_details_of_its_own() -> None:
    failure = over_the_wire(MalformedEvent([ErrorMessage("no total", "C1", {"line": 3}), "no name"], code="C9", page=2))
    assert failure.errors == [ErrorMessage("no total", "C1", {"line": 3}), ErrorMessage("no name", "C9", {"page": 2})]


def test_one_message_is_one_error() -> None:
    failure = over_the_wire(MalformedEvent("x", code="C1", line=3, what=object()))
    assert (failure.code, failure.details, failure.messages) == ("C1", {"line": 3}, [])
    assert failure.errors == [ErrorMessage("x", "C1", {"line": 3})]


def test_a_failure_of_an_older_sender_is_read() -> None:
    failure = Failure("MalformedEvent", "x", 400, "place", {"line": 3})
    assert failure.errors == [ErrorMessage("x", "", {"line": 3})]


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (Unauthorized("who are you"), [("WWW-Authenticate", CHALLENGE)]),
        (Unauthorized("x", challenge="Bearer"), [("WWW-Authenticate", "Bearer")]),
        (RateExceeded("slower", retry_after_s=1.2), [("Retry-After", "2")]),
        (ServiceUnavailable("away", retry_after_s=0), [("Retry-After", "0")]),
        (ServiceUnavailable("away"), []),
        (MethodNotAllowed("no", allow="GET, PUT"), [("Allow", "GET, PUT")]),
        (NotModified("the same"), []),
        (ValueError("x"), []),
    ],
)
def test_an_error_brings_the_header_fields_that_its_answer_needs(
    error: Exception, headers: list[tuple[str, str]]
) -> None:
    assert over_the_wire(error).headers == headers


def test_an_actors_own_mistake_names_the_actor() -> None:
    failure = over_the_wire(errors.UnsendableData("a set"))
    assert (failure.status, failure.message) == (500, "place made what cannot be sent: a set")


def test_an_error_says_nothing_secret() -> None:
    redact.learn("s3cr3t-token")
    failure = over_the_wire(MalformedEvent("bad key s3cr3t-token", url="http://x/?key=s3cr3t-token"))
    assert (failure.message, failure.details) == ("bad key [secret]", {"url": "http://x/?key=[secret]"})
    assert over_the_wire(ValueError("s3cr3t-token")).message == "[secret]"
    assert [one.message for one in over_the_wire(MalformedEvent(["s3cr3t-token", "b"])).errors] == ["[secret]", "b"]


def test_each_error_of_an_event_can_be_had_from_the_package() -> None:
    found = {name for name, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, ActorkitError)}
    inner = {"SettingsError", "Draining", "_TryLater"}
    assert found - inner <= set(actorkit.__all__)
