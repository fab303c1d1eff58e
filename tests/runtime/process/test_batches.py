"""Batches in processes that end: the event that does it is found, and no other is lost or done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet import Fleet
from tests.runtime.process.test_poison import Line, only_the_bad_one_is_missing


@pytest.mark.parametrize(("how", "status"), [("crash", 9), ("exit", 1)])
def test_an_event_that_ends_its_process_in_a_batch_is_given_up_and_the_others_arrive(
    fleet: Fleet, tmp_path: Path, how: str, status: int
) -> None:
    line = Line(
        fleet,
        tmp_path,
        300,
        2,
        how,
        cls="tests.runtime.process.batching:PoisonedBatch",
        batch_size=20,
        batch_wait_s=0.01,
        max_deliveries=2,
    )
    seen, (letter,) = line.finish()
    assert set(line.statuses) == {status}
    only_the_bad_one_is_missing(seen, 300, 150)
    assert letter.failure.kind == "DeliveryLimit"
