"""How honest clients fared beside each attack, and how well they have to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

#: Whether this is the long form, `make hostile`: then attacks have their full size, and times count.
LONG = "HOSTILE_S" in os.environ

#: How long each attack lasts, in seconds.
SECONDS = float(os.environ.get("HOSTILE_S", "2"))

#: What 99 of a hundred answers may take at most beside any attack, in milliseconds, on two cores of one's own.
MOST_P99_MS = 250

#: A line for each attack, for the end of the run.
rows: list[str] = []


def figures(taken_s: Iterable[float], failed: Mapping[str, int]) -> dict[str, Any]:
    """What `judge` wants, out of how long each request took, and of the failures."""
    taken = sorted(taken_s)
    count = len(taken)
    return {
        "answers": count - sum(failed.values()),
        "failed": failed,
        "p50_ms": round(taken[count // 2] * 1000, 1),
        "p99_ms": round(taken[count * 99 // 100] * 1000, 1),
        "max_ms": round(taken[-1] * 1000, 1),
    }


def judge(found: Mapping[str, Any], most_mb: float, budget_mb: float, share: float = 1.0) -> None:
    """Note what honest clients found, and demand what they are promised.

    `share` is the part of the processor time that the attacked process was ready to use and was given: 1 on a machine
    of its own. Times are demanded only in the long form, and as they would be there: where others take half of the
    processors, all that a busy process does takes twice as long.
    """
    name = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition("::")[2].partition(" ")[0].removeprefix("test_")
    times = "  ".join(f"{kind} {found[f'{kind}_ms']:6.1f} ms" for kind in ("p50", "p99", "max"))
    given = f"given {share:4.0%} of the time it wanted"
    rows.append(f"{name:58.58} {times}  {found['answers']:6} answers  memory at most {most_mb:3.0f} MB  {given}")
    print(rows[-1])
    assert found["answers"] > 0
    assert not found["failed"]
    assert most_mb < budget_mb
    assert not LONG or found["p99_ms"] * share < MOST_P99_MS
