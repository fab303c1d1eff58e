"""event-logger: what it shows and what it does not; redaction by patterns."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from actorkit import Event, JSONEvent
from actorkit.errors import SettingsError
from actorkit.observe import redact
from actorkit.testing import Harness
from actorkit_actors.flow.event_logger import EventLogger
from actorkit_actors.flow.redaction import Redaction


@pytest.fixture
def secret() -> Iterator[str]:
    redact.learn("hunter2hunter2")
    yield "hunter2hunter2"
    redact.forget()


@pytest.mark.parametrize(
    ("patterns", "text", "shown"),
    [
        (["<n>(.*?)</n>"], "<n>Ann</n><n>Bob</n>", "<n>REDACTED</n><n>REDACTED</n>"),
        (["<n>(.*?)</n>"], "<n></n>", "<n></n>"),
        (["<n>(n)</n>"], "<n>n</n>", "<n>REDACTED</n>"),
        (["[0-9]{4}"], "pin 1234 5678", "pin REDACTED REDACTED"),
        (["(a)x(b)?"], "axb ax", "REDACTEDxREDACTED REDACTEDx"),
        (["((a)b)"], "ab", "REDACTED"),
        (["ü(.)ö"], "üäö", "üREDACTEDö"),
        (["a", "b"], "abc", "REDACTEDREDACTEDc"),
        ([], "as it is", "as it is"),
    ],
)
def test_groups_are_left_out_and_the_rest_stays(patterns: list[str], text: str, shown: str) -> None:
    assert Redaction(patterns)(text) == shown


def test_an_event_is_logged_and_goes_on_as_it_came(caplog: pytest.LogCaptureFixture, secret: str) -> None:
    caplog.set_level(logging.INFO)
    params: Any = {
        "show": ["data/user", "attributes/no", "data"],
        "prefix": "> ",
        "redact": ["ann"],
        "level": "warning",
    }
    harness = Harness(EventLogger, **params)
    event = JSONEvent({"user": "ann", "key": secret})
    harness.put(event)
    [record] = caplog.records
    assert (record.levelname, record.name) == ("WARNING", "actorkit.actor.actor")
    assert record.getMessage() == '> data/user=REDACTED data={"user":"REDACTED","key":"[secret]"}'
    assert [passed.encoded() for passed in harness.taken()] == [event.encoded()]


def test_what_is_long_is_cut_after_it_was_redacted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    Harness(EventLogger, max_chars=10, redact=["secret"]).put(Event("12345secret" + "x" * 100))
    assert caplog.records[0].getMessage() == "data=12345REDAC… (103 characters more)"


def test_a_level_that_is_not_logged_costs_no_look_at_the_event(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    harness = Harness(EventLogger, level="debug")
    harness.put(Event("x"))
    assert caplog.records == []
    assert len(harness.taken()) == 1


def test_a_pattern_that_is_none_is_found_before_the_first_event() -> None:
    with pytest.raises(SettingsError, match=r"redact\[1\]"):
        Harness(EventLogger, redact=["a", "(?=b)"])
