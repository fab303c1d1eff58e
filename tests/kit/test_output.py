"""What is told of what other programs wrote."""

from __future__ import annotations

import pytest

from actorkit_kit.output import last_error, last_line

TIME = "2026-11-29T12:00:59.171Z"
INFO = f"{TIME} info    s: started in 49 ms"
DRAINS = f"{TIME} info    s: draining"
FAILED = f"{TIME} error   s: produce failed"
RAISED = ["Traceback (most recent call last):", '  File "shop.py", line 3', "ValueError: no", ""]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([INFO, FAILED, *RAISED, DRAINS], "ValueError: no"),
        ([INFO, FAILED, DRAINS], FAILED),
        ([INFO, *RAISED], "ValueError: no"),
        (["actorkit: ACTORKIT_INBOX is no endpoint"], "actorkit: ACTORKIT_INBOX is no endpoint"),
        ([INFO, DRAINS], DRAINS),
        ([], "it said nothing"),
    ],
)
def test_an_actor_s_last_error_is_told_whatever_it_logged_afterwards(lines: list[str], told: str) -> None:
    assert last_error(lines) == told


def test_the_last_line_is_the_last_one_that_is_not_blank() -> None:
    assert last_line("a\nb \n\n") == last_line(["a", "b"]) == "b"
