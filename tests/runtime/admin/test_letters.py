"""The dead letters that an instance keeps, at its admin port."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fleet import Fleet
from tests.runtime.admin.acting import ask, told
from tests.runtime.admin.fussy import COMPLAINT, Failing


@pytest.fixture
def failing(fleet: Fleet) -> Failing:
    return Failing(fleet)


def letters(failing: Failing) -> Any:
    return told(failing.fussy, "/letters")


def dlq(failing: Failing, action: str, ids: str) -> Any:
    return told(failing.fussy, "/dlq", failing.token, b"", action=action, actor="fussy", ids=ids)


def test_heads_are_told_to_everybody_and_no_bodies(failing: Failing) -> None:
    found = letters(failing)
    assert found["counts"] == {"fussy": 3}
    assert [one["message"] for one in found["letters"]] == [COMPLAINT] * 3
    assert "body" not in found["letters"][0]
    assert sorted((one["time"] for one in found["letters"]), reverse=True) == [one["time"] for one in found["letters"]]


def test_bodies_are_shown_with_the_token_alone(failing: Failing) -> None:
    id_ = letters(failing)["letters"][0]["id"]
    query = {"action": "show", "actor": "fussy", "ids": id_}
    for token in ("", "wrong"):
        assert ask(failing.fussy, "/dlq", token, b"", query)[0] == 401
    (shown,) = dlq(failing, "show", id_)["letters"]
    assert (shown["id"], shown["body"]) == (id_, {"text": "tick"})


def test_a_letter_that_is_sent_again_and_finished_leaves_the_box(failing: Failing) -> None:
    failing.broken.unlink()
    id_ = letters(failing)["letters"][0]["id"]
    assert dlq(failing, "retry", id_) == {"sent": 1}
    assert letters(failing)["counts"] == {"fussy": 2}
    assert dlq(failing, "retry", "all") == {"sent": 2}
    assert letters(failing) == {"counts": {}, "letters": []}


def test_a_letter_that_is_dropped_is_gone(failing: Failing) -> None:
    ids = [one["id"] for one in letters(failing)["letters"]]
    assert dlq(failing, "drop", ",".join(ids[:2])) == {"dropped": 2}
    assert [one["id"] for one in letters(failing)["letters"]] == ids[2:]


WRONG = [
    ("eat", "fussy", "all", 400, "action= is one of show, retry, drop\n"),
    ("drop", "fussy", "--help", 400, "ids= are ids of events, separated by commas, or all\n"),
    ("drop", "-x", "all", 400, "actor= is the actor that failed on them\n"),
    (
        "drop",
        "fussy",
        "0" * 16,
        409,
        f'no event "{"0" * 16}" of fussy is in the box. See what is: kit dlq list fussy\n',
    ),
]


@pytest.mark.parametrize(("action", "actor", "ids", "status", "said"), WRONG)
def test_what_cannot_be_done_is_told(
    failing: Failing, action: str, actor: str, ids: str, status: int, said: str
) -> None:
    query = {"action": action, "actor": actor, "ids": ids}
    assert ask(failing.fussy, "/dlq", failing.token, b"", query) == (status, said)


def test_an_instance_that_keeps_none_has_no_such_page(failing: Failing) -> None:
    assert ask(failing.source, "/letters")[0] == 404


def test_the_last_lines_of_the_log_are_told_to_whoever_has_the_token(failing: Failing) -> None:
    assert ask(failing.fussy, "/log")[0] == 401
    status, text = ask(failing.fussy, "/log", failing.token)
    assert status == 200
    assert COMPLAINT in text
    assert "admin server at" in text.splitlines()[0]
